package importer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/importer"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

func (w *world) undoes(r importer.UndoRequest) importer.UndoReport {
	w.t.Helper()
	report, err := w.keeper.UndoImport(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}

// copies counts what could be undone.
func (w *world) copies() int {
	entries, _ := os.ReadDir(filepath.Join(w.dir, "imports"))
	return len(entries)
}

// A file comes back byte for byte, with its mode, and only once.
func TestUndoPutsTheFileBack(t *testing.T) {
	w := newWorld(t)
	odd := "\ufeff# mine\r\n" + strings.ReplaceAll(envFile, "\n", "\r\n") + "LAST='no line end'"
	dir := w.project(map[string]string{".env": odd, ".env.work": strings.ReplaceAll(envFile, "canary", "canary-2")})
	path := filepath.Join(dir, ".env")
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	w.imports(importer.Request{Path: dir})
	w.noCanary(dir)
	listed := w.undoes(importer.UndoRequest{DryRun: true})
	if len(listed.Files) != 2 || listed.Look == "" || w.read(path) == odd {
		t.Fatalf("listed %+v", listed)
	}
	if got := w.undoes(importer.UndoRequest{Path: path}); len(got.Files) != 1 || !got.Files[0].PutBack || got.Look != "" {
		t.Errorf("report %+v", got)
	}
	if info, err := os.Stat(path); w.read(path) != odd || err != nil || info.Mode().Perm() != 0o640 && runtime.GOOS != "windows" {
		t.Errorf("mode %v; the file is %q", info.Mode(), w.read(path))
	}
	if _, err := w.keeper.UndoImport(t.Context(), importer.UndoRequest{Path: path}); err == nil || hint.Of(err) == "" || w.copies() != 1 {
		t.Errorf("a second time: %v, %d copies", err, w.copies())
	}
	if got := w.view("default"); got.Status != auth.StatusActive {
		t.Errorf("the login here is %q", got.Status)
	}
	if !slices.Contains(w.events(), audit.ImportUndone) {
		t.Error("the audit log does not tell of it")
	}
	// What was put back can be imported again, and undone again.
	w.imports(importer.Request{Path: path})
	w.undoes(importer.UndoRequest{Path: dir})
	if w.read(path) != odd || !strings.Contains(w.read(dir, ".env.work"), "canary-2") || w.copies() != 0 {
		t.Errorf("the folder: %q, %d copies", w.read(path), w.copies())
	}
}

// What somebody wrote since is theirs.
func TestUndoLeavesAChangedFileAlone(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	path := filepath.Join(dir, ".env")
	w.imports(importer.Request{Path: path})
	w.write(envAfter+"NEW=1\n", path)
	report, err := w.keeper.UndoImport(t.Context(), importer.UndoRequest{Path: path})
	if err == nil || !strings.Contains(hint.Of(err), "move it away") || w.read(path) != envAfter+"NEW=1\n" || report.Files[0].PutBack {
		t.Fatalf("%v, %q", err, w.read(path))
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	w.undoes(importer.UndoRequest{}) // as the hint says
	if w.read(path) != envFile {
		t.Errorf("the file is %q", w.read(path))
	}
}

// Who only lists does not take the copy away that an import has just made and is
// about to need. Once it was put back, none is left.
func TestListingKeepsTheCopyOfAnImportUnderWay(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	path := filepath.Join(dir, ".env")
	w.imports(importer.Request{Path: path})
	after := w.read(path)
	w.write(envFile, path) // as between the copy and the new file
	_, _ = w.keeper.UndoImport(t.Context(), importer.UndoRequest{DryRun: true})
	w.write(after, path)
	w.undoes(importer.UndoRequest{})
	if w.read(path) != envFile || w.copies() != 0 {
		t.Errorf("the file is %q, %d copies", w.read(path), w.copies())
	}
}

// A copy outlives the folder of its file.
func TestUndoWhenTheFolderIsGone(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	w.imports(importer.Request{Path: filepath.Join(dir, ".env")})
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	_, err := w.keeper.UndoImport(t.Context(), importer.UndoRequest{})
	if err == nil || !strings.Contains(hint.Of(err), "make "+dir+" again") {
		t.Errorf("%v (hint %q)", err, hint.Of(err))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	w.undoes(importer.UndoRequest{})
	if w.read(dir, ".env") != envFile {
		t.Error("the file is not as it was")
	}
}

// Nothing is taken out of a file of which no copy can be kept.
func TestImportWithoutACopyTakesNothingOut(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	w.write("in the way", w.dir, "imports")
	if _, err := w.keeper.Import(t.Context(), importer.Request{Path: dir}); err == nil || w.read(dir, ".env") != envFile {
		t.Errorf("%v, %q", err, w.read(dir, ".env"))
	}
	w = newWorld(t)
	forgets := w.Open(&lossyVault{Vault: w.vault, prefix: "import/", at: 1, forget: true})
	if _, err := forgets.Import(t.Context(), importer.Request{Path: dir}); err == nil || w.read(dir, ".env") != envFile {
		t.Errorf("without its key: %v, %q", err, w.read(dir, ".env"))
	}
	w.imports(importer.Request{Path: dir})
	w.undoes(importer.UndoRequest{})
	if w.read(dir, ".env") != envFile {
		t.Errorf("the file is %q", w.read(dir, ".env"))
	}
}

// Without the vault the copies are of no use to anybody.
func TestUndoNeedsTheVault(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	w.imports(importer.Request{Path: dir})
	w.vault.Fail(hint.Wrap(vault.ErrLocked, "unlock it"))
	if _, err := w.keeper.UndoImport(t.Context(), importer.UndoRequest{}); !errors.Is(err, vault.ErrLocked) {
		t.Errorf("locked: %v", err)
	}
	w.vault.Fail(nil)
	if err := w.vault.Delete(t.Context(), "import/key"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.keeper.UndoImport(t.Context(), importer.UndoRequest{}); err == nil || w.read(dir, ".env") != envAfter {
		t.Errorf("without its key: %v", err)
	}
}

// Items of another program come back too, unless it made new ones.
func TestUndoPutsItemsBack(t *testing.T) {
	w := newWorld(t)
	kept := keyringItems()
	before := len(kept.all)
	w.imports(importer.Request{Keyring: "work", Items: kept, ClientID: "id1"})
	w.noCanary()
	kept.all["work:access_token"] = "newer"
	if _, err := w.keeper.UndoImport(t.Context(), importer.UndoRequest{Items: kept}); err == nil || kept.all["work:access_token"] != "newer" {
		t.Errorf("over a newer item: %v", err)
	}
	delete(kept.all, "work:access_token")
	w.undoes(importer.UndoRequest{Path: "keychain", Items: kept})
	if len(kept.all) != before || kept.all["work:refresh_token"] != "canary-r" || w.copies() != 0 {
		t.Errorf("%d items of %d, %d copies", len(kept.all), before, w.copies())
	}
}

// Nothing happens between what was shown and what is done.
func TestImportAsksFirst(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	path := filepath.Join(dir, ".env")
	var plan importer.Report
	no := errors.New("no")
	r := importer.Request{Path: dir, Confirm: func(p importer.Report) error { plan = p; return no }}
	if _, err := w.keeper.Import(t.Context(), r); !errors.Is(err, no) || w.read(path) != envFile || len(w.vault.Keys()) != 0 {
		t.Errorf("after a no: %v", err)
	}
	if !plan.DryRun || plan.Look == "" || len(plan.Files[0].Changes) == 0 || plan.Files[0].Logins[0].Action != importer.Created {
		t.Errorf("plan %+v", plan)
	}
	newer := envFile + "SPOTIPY_CLIENT_SECRET=canary-client-secret\n"
	r.Confirm = func(importer.Report) error { w.write(newer, path); return nil }
	if _, err := w.keeper.Import(t.Context(), r); err == nil || w.read(path) != newer || len(w.secrets()) != 0 {
		t.Errorf("another file than was shown: %v", err)
	}
	r.Path, r.Confirm = path, func(p importer.Report) error { plan = p; return nil }
	if w.imports(r); plan.Look != "" {
		t.Errorf("one file that is certain: %q", plan.Look)
	}
	r.Confirm = func(importer.Report) error { return no }
	w.imports(r) // nothing to do, nothing to ask
}

// A file that is of another service is left as it is, in a folder too.
func TestImportLeavesOtherLoginsAlone(t *testing.T) {
	const google = `{"access_token":"ya29.canary","token_type":"Bearer","refresh_token":"1//canary","expiry":"2026-01-15T14:03:51Z"}`
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile, "token.json": google, "session.json": `{"homeserver":"https://m.example","access_token":"syt_canary"}`})
	report := w.imports(importer.Request{Path: dir})
	if w.read(dir, "token.json") != google || !strings.Contains(w.read(dir, "session.json"), "syt_canary") || w.read(dir, ".env") != envAfter {
		t.Errorf("report %+v", report)
	}
	warned := 0
	for _, f := range report.Files {
		warned += len(f.Warnings)
	}
	if names, _ := w.keeper.Names(); warned != 2 || len(names) != 1 {
		t.Errorf("%d warnings, profiles %v", warned, names)
	}
	only := w.project(map[string]string{"token.json": google})
	w.refused(importer.Request{Path: only}, "nothing to import", "left alone")
	w.refused(importer.Request{Path: filepath.Join(only, "token.json")}, "nothing in it says", "--provider")
}

// Of two imports at once each does its part or finds it done.
func TestTwoImportsAtOnce(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	done := make(chan error)
	for range 2 {
		go func() {
			_, err := w.Open(w.vault).Import(context.Background(), importer.Request{Path: dir})
			done <- err
		}()
	}
	if err := errors.Join(<-done, <-done); err != nil {
		t.Error(err)
	}
	if names, _ := w.keeper.Names(); len(names) != 1 || w.read(dir, ".env") != envAfter || w.copies() != 1 {
		t.Errorf("profiles %v, %d copies, %q", names, w.copies(), w.read(dir, ".env"))
	}
}

// Who can write the folder of copies, and not the vault, puts nothing into a
// file of the user's.
func TestForgedCopiesAreIgnored(t *testing.T) {
	w := newWorld(t)
	dir := w.project(map[string]string{".env": envFile})
	w.imports(importer.Request{Path: dir})
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var forged bytes.Buffer
	box, err := age.Encrypt(&forged, id.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, ".bashrc")
	_, _ = fmt.Fprintf(box, `{"v":1,"at":"2026-01-01T00:00:00Z","path":%q,"data":"ZXZpbA=="}`, path)
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	w.write(forged.String(), w.dir, "imports", "forged.age")
	w.write("no age file", w.dir, "imports", "junk.age")
	if report := w.undoes(importer.UndoRequest{}); len(report.Files) != 1 || w.read(dir, ".env") != envFile {
		t.Errorf("report %+v", report)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it was written: %v", err)
	}
}

// The name of an account's file may be an e-mail address, which belongs neither
// into a profile's name nor into the log of imports.
func TestImportNamesNoAddress(t *testing.T) {
	w := newWorld(t)
	const cache = `{"access_token":"BQcanary-a","refresh_token":"AQcanary-r","expires_in":3600}`
	dir := w.project(map[string]string{".cache-zoltan@example.org": cache, ".env.grace@example.org": strings.ReplaceAll(envFile, "canary", "canary-2")})
	for _, name := range []string{".cache-zoltan@example.org", ".env.grace@example.org"} {
		w.imports(importer.Request{Path: filepath.Join(dir, name), ClientID: "0123abcd"})
	}
	if names, err := w.keeper.Names(); !slices.Equal(names, []string{"default", "spotify"}) {
		t.Errorf("profiles %v, %v", names, err)
	}
	events, err := w.keeper.Events(t.Context(), audit.Query{})
	if said := fmt.Sprint(events); err != nil || strings.Contains(said, "example.org") || strings.Contains(said, "zoltan") {
		t.Errorf("the log: %s, %v", said, err)
	}
}
