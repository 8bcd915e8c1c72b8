package bundle

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// keyring holds the keys that the machine trusts for Debian. Its package is debian-archive-keyring.
const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// apt is apt-get with lists, state and downloads in a folder of its own. Proxies and whatever else the machine's apt is
// told stay, but for what it shall do to the machine after an update.
type apt struct {
	work    string
	options []string
}

// configuration comes after the machine's own.
const configuration = `#clear APT::Update;
#clear DPkg;
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-hidpi::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-large::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-large-hidpi::DefaultEnabled "false";
Acquire::Retries "3";
Debug::NoLocking "true";
`

func newApt(work string) (*apt, error) {
	for _, program := range []string{"apt-get", "dpkg-deb"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("%s is not here, so engines of Debian cannot be had: %w", program, err)
		}
	}
	if strings.ContainsAny(work, ":'\n") {
		return nil, fmt.Errorf("the path %q has a colon or a quote: name another in BURSAR_ENGINES_CACHE", work)
	}
	a := &apt{work: work, options: []string{
		"-q", "-c", filepath.Join(work, "apt.conf"),
		"-o", "Dir::Etc::sourcelist=" + filepath.Join(work, "debian.sources"),
		"-o", "Dir::Etc::sourceparts=/dev/null",
		"-o", "Dir::Etc::preferences=/dev/null", "-o", "Dir::Etc::preferencesparts=/dev/null",
		"-o", "Dir::State=" + filepath.Join(work, "state"),
		"-o", "Dir::State::status=" + filepath.Join(work, "status"), // nothing is installed
		"-o", "Dir::Cache=" + filepath.Join(work, "cache"),
	}}
	return a, errors.Join(
		os.MkdirAll(filepath.Join(work, "state/lists/partial"), 0o755),
		os.WriteFile(filepath.Join(work, "status"), nil, 0o644),
		os.WriteFile(filepath.Join(work, "apt.conf"), []byte(configuration), 0o644),
	)
}

// update reads the lists of some releases from the first of the machine's mirrors that has them, signed by Debian.
func (a *apt) update(ctx context.Context, suites []string, out io.Writer) error {
	mirrors, err := mirrors(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, mirror := range mirrors {
		sources := "Types: deb\nURIs: " + mirror + "\nSuites: " + strings.Join(suites, " ") +
			"\nComponents: main\nSigned-By: " + keyring + "\n"
		if err := os.WriteFile(filepath.Join(a.work, "debian.sources"), []byte(sources), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(out, "engines: reading the lists of Debian %s\n", strings.Join(suites, ", "))
		_, err := output(ctx, "apt-get", append(a.options, "-o", "APT::Update::Error-Mode=any", "update")...)
		if err == nil {
			return nil
		}
		errs = append(errs, explain(err))
	}
	return errors.Join(errs...)
}

// explain adds the remedy for a release that is signed with a key that the machine does not have.
func explain(err error) error {
	if text := err.Error(); strings.Contains(text, "NO_PUBKEY") || strings.Contains(text, "EXPKEYSIG") {
		return fmt.Errorf("%w\n%s does not have the key of this release: upgrade the package debian-archive-keyring",
			err, keyring)
	}
	return err
}

// download fetches the packages of a bundle with all that they depend on, and checks them against the signed lists.
func (a *apt) download(ctx context.Context, b Bundle) ([]string, error) {
	archives := filepath.Join(a.work, "archives-"+b.Name)
	if err := os.MkdirAll(filepath.Join(archives, "partial"), 0o755); err != nil {
		return nil, err
	}
	args := append(a.options, "-o", "Dir::Cache::archives="+archives, "-o", "APT::Default-Release="+b.Suite,
		"install", "--download-only", "--yes", "--no-install-recommends")
	if _, err := output(ctx, "apt-get", append(args, b.Packages...)...); err != nil {
		return nil, err
	}
	return filepath.Glob(filepath.Join(archives, "*.deb"))
}

// mirrors returns the addresses from which the machine's apt gets its own release of Debian.
func mirrors(ctx context.Context) ([]string, error) {
	release, err := os.ReadFile("/etc/os-release")
	if err != nil {
		return nil, err
	}
	fields := make(map[string]string)
	for line := range strings.Lines(string(release)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		fields[key] = strings.Trim(value, `"'`)
	}
	if fields["ID"] != "debian" {
		return nil, fmt.Errorf("this machine runs %s and not Debian, so its apt knows no mirror of Debian", fields["ID"])
	}
	uris, err := output(ctx, "apt-get", "update", "--print-uris")
	if err != nil {
		return nil, err
	}
	found := mirrorsIn(uris, fields["VERSION_CODENAME"])
	if len(found) == 0 {
		return nil, errors.New("apt's sources name no mirror of Debian's main archive")
	}
	return found, nil
}

// mirrorsIn reads the answer of apt-get update --print-uris: lines that begin with the address of a file in quotes. A
// machine of the unstable release names no codename, or another name for it.
func mirrorsIn(uris, codename string) []string {
	suites := []string{codename, "stable", "oldstable", "testing", "unstable", "sid"}
	var found []string
	for line := range strings.Lines(uris) {
		address, _, _ := strings.Cut(strings.TrimPrefix(line, "'"), "'")
		base, rest, ok := strings.Cut(address, "/dists/")
		suite, file, _ := strings.Cut(rest, "/")
		if !ok || suite == "" || file != "InRelease" {
			continue
		}
		for _, s := range suites {
			if s == suite {
				found = append(found, base)
				break
			}
		}
	}
	return found
}
