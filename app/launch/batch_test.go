package launch_test

import (
	"testing"

	"github.com/stagedoor-app/stagedoor/app/launch"
	"github.com/stagedoor-app/stagedoor/auth/hint"
)

// An argument that a client's config names must never become a command.
func TestBatchLine(t *testing.T) {
	got, err := launch.BatchLine(`C:\Program Files\nodejs\npx.cmd`, []string{"-y", "a & calc.exe", `C:\my dir\`, "^|<>()!", ""})
	want := `cmd.exe /d /e:on /v:off /s /c ""C:\Program Files\nodejs\npx.cmd" "-y" "a & calc.exe" "C:\my dir\\" "^|<>()!" """`
	if err != nil || got != want {
		t.Errorf("got  %s\nwant %s (%v)", got, want, err)
	}
	for _, bad := range []string{`a" & calc.exe "`, "%PATH%", "a\nb", "a\rb", "a\x00"} {
		if line, err := launch.BatchLine("npx.cmd", []string{bad}); err == nil || hint.Of(err) == "" {
			t.Errorf("%q became %s", bad, line)
		}
	}
}
