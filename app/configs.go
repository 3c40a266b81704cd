package app

import (
	"os"
	"path/filepath"
	"time"

	"github.com/stagedoor-app/stagedoor/app/clients"
	"github.com/stagedoor-app/stagedoor/auth/host"
)

// configs are the clients' files.
func (a *application) configs(paths host.Paths, sealer clients.Sealer) (*clients.Configs, error) {
	env, err := clients.HostEnv()
	if err != nil {
		return nil, err
	}
	if home := os.Getenv("STAGEDOOR_CLIENTS_HOME"); home != "" {
		// The demo and tests look for the clients' files in a home of their own.
		env.Home, env.Getenv = home, func(string) string { return "" }
	}
	return clients.New(clients.Params{
		Env: env, Now: time.Now, BackupDir: filepath.Join(paths.State, "backups"), LockDir: filepath.Join(paths.State, "locks"), Sealer: sealer, Log: a.log,
	})
}

// backups is for completion, too.
func (a *application) backups() (all []clients.Backup) {
	paths, err := host.Here()
	if err != nil {
		return nil
	}
	configs, err := a.configs(paths, nil)
	if err != nil {
		return nil
	}
	kept, _ := configs.Kept()
	for _, client := range kept {
		list, _ := configs.Backups(client)
		all = append(all, list...)
	}
	return all
}
