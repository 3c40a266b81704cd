//go:build !lean

// Package translations holds the windows' texts. The English text is the key
// under which a translation is found, so a missing one shows in English; en.json has
// only the plurals.
package translations

import (
	"embed"
	"errors"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
)

//go:embed *.json
var files embed.FS

// Load adds every language to Fyne's bundle and picks the one that the
// environment asks for. Fyne keeps one bundle per process; call Load before the
// first window is built.
func Load() error {
	entries, err := files.ReadDir(".")
	if err != nil {
		return err
	}
	var problems []error
	for _, e := range entries {
		text, err := files.ReadFile(e.Name())
		if err != nil {
			return err
		}
		problems = append(problems, lang.AddTranslations(fyne.NewStaticResource(e.Name(), text)))
	}
	return errors.Join(problems...)
}
