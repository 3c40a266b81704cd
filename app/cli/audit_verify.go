package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit/export"
	"github.com/stagedoor-app/stagedoor/auth/audit/verify"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

type verifyOptions struct {
	bundle string
	json   bool
}

func newCmdAuditVerify(f *Factory, runF func(*verifyOptions) error) *cobra.Command {
	o := &verifyOptions{}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that nobody changed the audit log",
		Long: `Check every line of the audit log against its key in the keychain, and its end
against the anchor there. "Consistent with its key" is what can be said: whoever
can use your keychain can write a log that is. Exit status 5 means that it does
not verify.

With --bundle it checks a file that "stagedoor audit export --format bundle" made
here or elsewhere.`,
		Example: "  stagedoor audit verify\n  stagedoor audit verify --json\n  stagedoor audit verify --bundle incident.zip",
		Args:    atMost(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, f, o, runF, func(ctx context.Context, k *auth.Keeper) error {
				if o.bundle != "" {
					return verifyBundleRun(ctx, f, k, o)
				}
				return verifyRun(ctx, f, k, o)
			})
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print the report as JSON")
	cmd.Flags().StringVar(&o.bundle, "bundle", "", "check this bundle instead of the log")
	_ = cmd.RegisterFlagCompletionFunc("bundle", files)
	return cmd
}

type logVerifier interface {
	VerifyLog(ctx context.Context, progress func(done, total int64)) (verify.Report, error)
}

const (
	progressAfter = 300 * time.Millisecond // what is done sooner needs no progress
	progressEvery = 100 * time.Millisecond
)

// verifyLog verifies the log and shows on a terminal how far it is.
func verifyLog(ctx context.Context, f *Factory, k logVerifier) (verify.Report, error) {
	screen := f.screen()
	if screen == nil {
		return k.VerifyLog(ctx, nil)
	}
	const what = "checking the audit log"
	next := f.Now().Add(progressAfter)
	report, err := k.VerifyLog(ctx, func(done, total int64) {
		if now := f.Now(); total > 0 && !now.Before(next) {
			next = now.Add(progressEvery)
			_, _ = fmt.Fprintf(screen, "\r%s %3d%%", what, 100*min(done, total)/total)
		}
	})
	_, _ = fmt.Fprintf(screen, "\r%s\r", strings.Repeat(" ", len(what)+5))
	return report, err
}

func verifyRun(ctx context.Context, f *Factory, k logVerifier, o *verifyOptions) error {
	r, err := verifyLog(ctx, f, k)
	if err != nil {
		return err
	}
	if o.json {
		if err := f.json(struct {
			verify.Report
			Verdict verify.Verdict `json:"verdict"`
		}{r, r.Verdict()}); err != nil {
			return err
		}
	}
	switch {
	case r.Verdict() == verify.Broken:
		return hint.Wrap(attention{r.Err().Error()}, hint.Of(r.Err()))
	case o.json:
		return nil
	case r.Events == 0:
		f.printf("the audit log is consistent with its key: 0 events\n")
	default:
		f.printf("the audit log is consistent with its key: %s from %s to %s\n", count(r.Events, "event"), r.First.Local().Format(minute), r.Last.Local().Format(minute))
	}
	for _, doubt := range r.Doubts() {
		f.notef("stagedoor: %s\n", doubt)
	}
	return nil
}

type bundleKeeper interface {
	CheckBundle(ctx context.Context, r io.ReaderAt, size int64) (export.BundleReport, error)
}

func verifyBundleRun(ctx context.Context, f *Factory, k bundleKeeper, o *verifyOptions) error {
	file, err := durable.OpenLinked(o.bundle, os.O_RDONLY)
	if err != nil {
		return hint.Wrap(fmt.Errorf("open the bundle: %w", err), "name a file that stagedoor audit export --format bundle made")
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return fmt.Errorf("open the bundle: %w", err)
	}
	r, err := k.CheckBundle(ctx, file, info.Size())
	if err != nil {
		return err
	}
	if o.json {
		if err := f.json(r); err != nil {
			return err
		}
	}
	const notEvidence = "do not rely on it: ask for the bundle again from where it was made"
	if !r.OK {
		return hint.Wrap(attention{"the bundle does not verify: " + r.Problem}, notEvidence)
	}
	s := r.Statement
	if !o.json {
		whose := "compare this key with `stagedoor audit verify --json` on the machine it comes from"
		if r.Own != nil && *r.Own {
			whose = "the key of this machine's log"
		}
		f.printf("the bundle is as it was signed: %s in %s, made %s by %s\nsigned by %s (%s)\n",
			count(r.Events, "event"), count(len(s.Segments), "segment"), s.Created.Local().Format(minute), s.By, s.PublicKey, whose)
	}
	if s.Report.OK {
		return nil
	}
	message := "the log in the bundle did not verify when it was bundled"
	if s.Report.Problem != nil {
		message += ": " + s.Report.Problem.Message
	}
	return hint.Wrap(attention{message}, "the bundle itself is as it was signed; write the log's problem up: stagedoor incident new")
}
