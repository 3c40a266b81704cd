package main

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"github.com/stagedoor-app/stagedoor/app/cli"
)

// manual makes a page for each command that does something, by its file's name.
func manual(m cli.Manual, version string, date time.Time) (map[string][]byte, error) {
	m.Root.DisableAutoGenTag = true
	pages := map[string][]byte{}
	var walk func(*cobra.Command) error
	walk = func(cmd *cobra.Command) error {
		name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
		header := &doc.GenManHeader{Title: strings.ToUpper(name), Section: "1", Date: &date, Source: "Stagedoor " + version, Manual: "Stagedoor Manual"}
		markdown(cmd)
		var page bytes.Buffer
		if err := doc.GenMan(cmd, header, &page); err != nil {
			return err
		}
		pages[name+".1"] = page.Bytes()
		var errs []error
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() && !c.IsAdditionalHelpTopicCommand() {
				errs = append(errs, walk(c))
			}
		}
		return errors.Join(errs...)
	}
	if err := walk(m.Root); err != nil {
		return nil, err
	}
	// What cobra does not know of stands before what it ends with.
	const end = ".SH SEE ALSO"
	before, after, found := strings.Cut(string(pages["stagedoor.1"]), end)
	if !found {
		return nil, errors.New("stagedoor.1 has no " + end)
	}
	pages["stagedoor.1"] = []byte(before + section("ENVIRONMENT", m.Environment) + section("FILES", m.Files) + section("EXIT STATUS", m.ExitStatus) + end + after)
	return pages, nil
}

// markdown makes the words of a command Markdown, which cobra takes them for: what
// stands in angle brackets, between underscores or after an asterisk is meant as it is.
func markdown(cmd *cobra.Command) {
	escape := strings.NewReplacer(`\`, `\\`, "<", `\<`, ">", `\>`, "*", `\*`, "_", `\_`, "`", "\\`")
	var lines []string
	for line := range strings.Lines(cmd.Long) {
		if strings.HasPrefix(line, "  ") { // an example or a list: as it is
			lines = append(lines, "  "+line)
			continue
		}
		lines = append(lines, escape.Replace(line))
	}
	cmd.Long = strings.Join(lines, "")
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) { f.Usage = escape.Replace(f.Usage) })
}

// section is a section of names and what they mean.
func section(title string, rows [][2]string) string {
	var b strings.Builder
	b.WriteString(".SH " + title + "\n")
	for _, row := range rows {
		b.WriteString(".TP\n\\fB" + roff(row[0]) + "\\fP\n" + roff(row[1]) + "\n")
	}
	return b.String()
}

// roff is text that means nothing to troff.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
