package clients

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// Params is what New needs.
type Params struct {
	Env Env
	Now func() time.Time
	// BackupDir holds backups/<client id>/<UTC time>.json: pass the backups
	// folder. It and LockDir are Stagedoor's own and are made 0700.
	BackupDir string
	LockDir   string
}

// Configs reads and writes the clients' files.
type Configs struct {
	env       Env
	now       func() time.Time
	backupDir string
	lockDir   string
}

// New returns a Configs. It touches no file.
func New(p Params) (*Configs, error) {
	if err := p.Env.validate(); err != nil {
		return nil, fmt.Errorf("clients: %w", err)
	}
	if p.Now == nil {
		return nil, errors.New("clients: Params.Now is nil")
	}
	if !filepath.IsAbs(p.BackupDir) || !filepath.IsAbs(p.LockDir) {
		return nil, errors.New("clients: Params.BackupDir and Params.LockDir must be absolute paths")
	}
	return &Configs{env: p.Env, now: p.Now, backupDir: p.BackupDir, lockDir: p.LockDir}, nil
}
