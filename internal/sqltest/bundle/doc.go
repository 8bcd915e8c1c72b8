// Package bundle fetches engines that the machine's own release of Debian does not have, without installing any.
//
// A [Bundle] is what an engine needs from one release of Debian: its packages with all that they depend on, the C
// library included. [Fetch] has apt download them from the mirror that the machine uses already, with lists and
// folders of its own, and unpacks them into one folder of [Cache]. Nothing of the machine is installed, upgraded or
// configured, and no rights are needed. apt checks every signature with the keys that the machine trusts for Debian.
// A release whose key is not among them is an error that says so.
//
// The programs of a bundle run through the bundle's own loader and with its own libraries: each is replaced by a
// script that does so. [Bundle.Find] returns the folder.
//
// The package starts no server. Package server does.
package bundle
