package setup

import (
	"archive/zip"
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/assets"
	"github.com/stagedoor-app/stagedoor/auth/audit"
	"github.com/stagedoor-app/stagedoor/auth/durable"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// Bundle is an MCP bundle of one server: the other way to give it to Claude Desktop, which
// keeps bundles in a store of its own, and does not lose them with its file.
type Bundle struct {
	Name string // of its file
	Data []byte // a zip file
	// Doubles are the entries that start the same server already.
	Doubles []string
}

// bundled are the words of a bundle in the languages of Claude Desktop's dialog; {server}
// and {account} stand for names.
//
//go:embed bundle.json
var bundled []byte

// The manifest of a bundle, version 0.3:
// https://github.com/modelcontextprotocol/mcpb/blob/main/MANIFEST.md
type manifest struct {
	Version     string            `json:"manifest_version"`
	Name        string            `json:"name"`
	DisplayName string            `json:"display_name"`
	Release     string            `json:"version"`
	Description string            `json:"description"`
	Author      map[string]string `json:"author"`
	Homepage    string            `json:"homepage"`
	Icon        string            `json:"icon"`
	Localized   struct {
		Resources string `json:"resources"`
		Default   string `json:"default_locale"`
	} `json:"localization"`
	Server struct {
		Type  string `json:"type"`
		Entry string `json:"entry_point"`
		Start struct {
			Command string            `json:"command"`
			Args    []string          `json:"args"`
			Env     map[string]string `json:"env,omitempty"`
		} `json:"mcp_config"`
	} `json:"server"`
	Tools      []Tool              `json:"tools,omitempty"`
	Generated  bool                `json:"tools_generated"`
	License    string              `json:"license"`
	Compatible map[string][]string `json:"compatibility"`
}

const maxManifest = 1 << 20 // bytes

// described is how much of a tool's description a manifest has, in characters: models get
// the server's own, and a dialog has no room for more.
const described = 200

// Bundle makes the bundle of a planned entry of Claude Desktop. The command in it is this
// program's place, as in the entry, since that lasts across upgrades and the bundle would
// keep an old program; it has no secret. tools are those that the server listed, if it was
// tried. The same plan, tools and release give the same bytes.
func (s Service) Bundle(plan Plan, tools []Tool, release string) (b Bundle, err error) {
	e := plan.Change.Entry
	if e == nil || plan.Client.ID != "claude-desktop" || plan.Client.Project != "" {
		return b, hint.Usage("a bundle is for Claude Desktop, and for one server", "leave the client out")
	}
	for _, word := range append(slices.Clone(e.Args), slices.Collect(maps.Values(e.Env))...) {
		if strings.Contains(word, "${") { // which the format has for itself, without a way to quote it
			return b, hint.New(fmt.Sprintf("%q cannot be in a bundle, in which ${…} stands for something else", clients.Scrub(word)), "write the entry into the file: stagedoor setup")
		}
	}
	const server = "server/launch"
	var m manifest
	m.Version, m.Release, m.License = "0.3", release, "MIT"
	m.Name = "stagedoor-" + plan.Change.Name
	m.Author = map[string]string{"name": "Stagedoor developers"}
	m.Homepage, m.Icon = "https://github.com/stagedoor-app/stagedoor", "icon.png"
	m.Localized.Resources, m.Localized.Default = "locale/${locale}.json", "en-US"
	m.Server.Type, m.Server.Entry = "binary", server+launchExt(s.Configs.Env.GOOS)
	m.Server.Start.Command, m.Server.Start.Args, m.Server.Start.Env = e.Command, e.Args, e.Env
	m.Generated = true // they are other ones with another account
	m.Compatible = map[string][]string{"platforms": {platform(s.Configs.Env.GOOS)}}
	for _, t := range tools {
		m.Tools = append(m.Tools, Tool{text.Line(t.Name, 128), text.Line(t.Description, described)})
	}
	files := map[string][]byte{"icon.png": assets.Icon(), m.Server.Entry: launchScript(s.Configs.Env.GOOS, *e)}
	var words map[string]map[string]string
	if err := json.Unmarshal(bundled, &words); err != nil {
		return b, err
	}
	flags, _ := e.Behind()
	account := Option(flags, "--profile")
	for locale, said := range words {
		name, about := plan.Change.Name+" (Stagedoor)", said["pinned"]
		if account == "" {
			about = said["follows"]
		}
		about = strings.NewReplacer("{server}", plan.Change.Name, "{account}", account).Replace(about)
		if locale == m.Localized.Default {
			m.DisplayName, m.Description = name, about
		}
		if files["locale/"+locale+".json"], err = marshal(map[string]string{"display_name": name, "description": about}); err != nil {
			return b, err
		}
	}
	if files["manifest.json"], err = marshal(m); err != nil {
		return b, err
	}
	b = Bundle{Name: m.Name + ".mcpb"}
	b.Data, err = zipped(files, m.Server.Entry)
	for _, other := range s.Ours() {
		if other.Client.ID == plan.Client.ID && !another(other.Entry, *e, false) {
			b.Doubles = append(b.Doubles, other.Name)
		}
	}
	return b, err
}

func marshal(v any) ([]byte, error) {
	return json.Marshal(v, jsontext.WithIndent("  "), json.Deterministic(true), jsontext.EscapeForHTML(false))
}

// zipped has every file at the first moment that zip knows, so that the bytes are the same
// twice; the program can be executed.
func zipped(files map[string][]byte, program string) ([]byte, error) {
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		head := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
		head.SetMode(0o644)
		if name == program {
			head.SetMode(0o755)
		}
		f, err := w.CreateHeader(head)
		if err == nil {
			_, err = f.Write(files[name])
		}
		if err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}

func platform(goos string) string {
	if goos == "windows" {
		return "win32"
	}
	return goos
}

func launchExt(goos string) string {
	if goos == "windows" {
		return ".cmd"
	}
	return ""
}

// launchScript is what the format wants in a bundle as its program: it starts the same.
func launchScript(goos string, e clients.Entry) []byte {
	words := append([]string{e.Command}, e.Args...)
	if goos == "windows" {
		for i, word := range words {
			words[i] = `"` + strings.NewReplacer(`"`, `""`, "%", "%%").Replace(word) + `"`
		}
		return []byte("@echo off\r\nrem What manifest.json starts, by hand.\r\n" + strings.Join(words, " ") + "\r\n")
	}
	for i, word := range words {
		words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return []byte("#!/bin/sh\n# What manifest.json starts, by hand.\nexec " + strings.Join(words, " ") + "\n")
}

// Extension is a bundle that Claude Desktop has installed.
type Extension struct {
	Name  string // for people
	Entry clients.Entry
}

// Extensions are the installed bundles that start a server through Stagedoor. Claude
// Desktop keeps each unpacked, in a folder beside its file.
func (s Service) Extensions() (list []Extension) {
	client, err := clients.Lookup("claude-desktop")
	if err != nil {
		return nil
	}
	path, err := client.Path(s.Configs.Env)
	if err != nil {
		return nil
	}
	found, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "Claude Extensions", "*", "manifest.json"))
	for _, path := range found {
		var m manifest
		data, err := durable.ReadLinked(path, maxManifest)
		if err != nil || json.Unmarshal(data, &m) != nil {
			continue
		}
		e := clients.Entry{Command: m.Server.Start.Command, Args: m.Server.Start.Args, Env: m.Server.Start.Env}
		if e.IsOurs() {
			list = append(list, Extension{text.Line(m.DisplayName, 100), e})
		}
	}
	return list
}

// double is the installed bundle that starts the same server as an entry, or "".
func (s Service) double(client clients.Client, e clients.Entry) string {
	if client.ID != "claude-desktop" {
		return ""
	}
	for _, x := range s.Extensions() {
		if !another(x.Entry, e, false) {
			return x.Name
		}
	}
	return ""
}

// KeepBundle remembers the server of a bundle that was handed over, as Apply does of an
// entry, and writes down that there is one.
func (s Service) KeepBundle(ctx context.Context, plan Plan) error {
	s.Keeper.Record(ctx, plan.Profile, audit.ConfigWritten, audit.OK,
		map[string]any{"client": plan.Client.ID, "entry": plan.Change.Name, "action": "bundle"})
	return s.Keeper.RememberServer(ctx, plan.Profile.ID, plan.server)
}
