// Package brief keeps error messages readable whatever the input was.
//
// [Text] is all there is. The package does not quote: %q does.
package brief

import "strings"

// most is how many bytes of an input a message shows.
const most = 60

// Text is s, or its beginning and an ellipsis where s is long. It cuts between characters.
func Text(s string) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
