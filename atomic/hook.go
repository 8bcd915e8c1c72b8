package atomic

import (
	"context"
	"fmt"
	"path"
	"reflect"
	"runtime"
)

// A hook is a function to run after COMMIT, and where it was registered.
type hook struct {
	run func(ctx context.Context) error
	at  uintptr
}

// callerOf is the place that called the function which called callerOf.
func callerOf() uintptr {
	var at [1]uintptr
	runtime.Callers(3, at[:])
	return at[0]
}

// name is what the runtime calls the function.
func (h hook) name() string { return runtime.FuncForPC(reflect.ValueOf(h.run).Pointer()).Name() }

// place is the file with its folder, and the line.
func (h hook) place() string {
	frame, _ := runtime.CallersFrames([]uintptr{h.at}).Next()
	folder, file := path.Split(frame.File)
	return fmt.Sprintf("%s:%d", path.Join(path.Base(folder), file), frame.Line)
}

func (h hook) String() string {
	return fmt.Sprintf("%s (registered at %s)", path.Base(h.name()), h.place())
}

// beforeCommit runs the hooks before COMMIT, and those that the hooks register.
func (s *session) beforeCommit(ctx context.Context) error {
	for i := 0; ; i++ {
		s.mu.Lock()
		if i >= len(s.before) {
			s.mu.Unlock()
			return nil
		}
		hook := s.before[i]
		s.mu.Unlock()
		if err := hook(ctx); err != nil {
			return err
		}
	}
}

// commitHooks runs the hooks after COMMIT and collects their errors.
func commitHooks(ctx context.Context, hooks []hook) error {
	if len(hooks) == 0 {
		return nil
	}
	var failed HookError
	runCommitHooks(context.WithoutCancel(ctx), hooks, &failed)
	if len(failed.Errs) == 0 {
		return nil
	}
	return &failed
}

// runCommitHooks runs every hook, even if one of them panics. The panic travels on after the other hooks have run.
func runCommitHooks(ctx context.Context, hooks []hook, failed *HookError) {
	for i, h := range hooks {
		returned := false
		func() {
			defer func() {
				if !returned {
					runCommitHooks(ctx, hooks[i+1:], failed)
				}
			}()
			if err := h.run(ctx); err != nil {
				failed.Errs, failed.Hooks = append(failed.Errs, err), append(failed.Hooks, h.String())
			}
			returned = true
		}()
	}
}

// runRollbackHooks runs the hooks in reverse order. They run as deferred calls, so a panic in one does not stop the
// others.
func runRollbackHooks(hooks []func()) {
	for _, hook := range hooks {
		defer hook()
	}
}
