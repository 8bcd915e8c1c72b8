package atomic

import (
	"context"
)

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
func commitHooks(ctx context.Context, hooks []func(context.Context) error) error {
	if len(hooks) == 0 {
		return nil
	}
	var errs []error
	runCommitHooks(context.WithoutCancel(ctx), hooks, &errs)
	if len(errs) == 0 {
		return nil
	}
	return &HookError{Errs: errs}
}

// runCommitHooks runs every hook, even if one of them panics. The panic travels on after the other hooks have run.
func runCommitHooks(ctx context.Context, hooks []func(context.Context) error, errs *[]error) {
	for i, hook := range hooks {
		returned := false
		func() {
			defer func() {
				if !returned {
					runCommitHooks(ctx, hooks[i+1:], errs)
				}
			}()
			if err := hook(ctx); err != nil {
				*errs = append(*errs, err)
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
