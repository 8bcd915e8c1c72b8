package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/brief"
)

// guard decides who may ask. The zero value lets loopback hosts in.
type guard struct {
	token  [32]byte // SHA-256 of the token, so that comparing takes the same time whatever its length
	needed bool
	origin *http.CrossOriginProtection
}

func newGuard(token string) guard {
	return guard{token: sha256.Sum256([]byte(token)), needed: token != "", origin: http.NewCrossOriginProtection()}
}

// admit refuses a request that may not be answered.
func (g *guard) admit(r *http.Request) error {
	if !g.needed && !loopback(r.Host) {
		return &statusError{status: http.StatusMisdirectedRequest, err: bursar.Errorf(bursar.CodeMalformed,
			"this server answers on loopback only and %q is another host: use localhost, or set a token", brief.Text(r.Host))}
	}
	if err := g.origin.Check(r); err != nil {
		return &statusError{status: http.StatusForbidden,
			err: bursar.Errorf(bursar.CodeUnauthorized, "a web page of another site may not change anything here")}
	}
	if !g.needed || r.URL.Path == healthPath {
		return nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sent := sha256.Sum256([]byte(token))
	if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(sent[:], g.token[:]) != 1 {
		return &statusError{status: http.StatusUnauthorized, header: "WWW-Authenticate", value: `Bearer realm="bursar"`,
			err: bursar.Errorf(bursar.CodeUnauthorized, "the token is missing or wrong: send Authorization: Bearer TOKEN")}
	}
	return nil
}

// loopback reports whether a Host header names this machine and nothing else. A web page may have its own name resolve
// to 127.0.0.1; its requests carry that name, and are kept out.
func loopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.IsLoopback()
}
