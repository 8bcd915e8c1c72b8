package main

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/bursar-ledger/bursar/internal/clock"
)

// logLevels are the values of --log-level.
func logLevels() []string { return []string{"debug", "info", "warn", "error"} }

// levelFlag is the value of --log-level.
type levelFlag struct{ slog.Level }

func (l *levelFlag) String() string { return strings.ToLower(l.Level.String()) }

func (l *levelFlag) Type() string { return "level" }

func (l *levelFlag) Set(s string) error {
	for i, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if s == logLevels()[i] {
			l.Level = level
			return nil
		}
	}
	return errors.New("the levels are debug, info, warn and error")
}

// logRequests tells the logger of every request that was answered, at debug level. The path is logged without its
// query, and nothing of what was said.
func logRequests(logger *slog.Logger, now clock.Clock, handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !logger.Enabled(r.Context(), slog.LevelDebug) {
			handler.ServeHTTP(w, r)
			return
		}
		began := now.Now()
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		handler.ServeHTTP(answer, r)
		logger.DebugContext(r.Context(), "request", "method", r.Method, "path", r.URL.EscapedPath(),
			"status", answer.status, "duration", now.Now().Sub(began).String(), "request", w.Header().Get("X-Request-Id"))
	})
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader sends the status.
func (s *statusWriter) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }
