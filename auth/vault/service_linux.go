package vault

import (
	"errors"
	"sync"

	"github.com/godbus/dbus/v5"
	ss "github.com/zalando/go-keyring/secret_service"
)

// direct reads and writes items of an unlocked collection. go-keyring asks the
// Secret Service seven questions for each item, of which two are left once
// session and collection are known; a start of an MCP server waits for all of
// them. Whatever is not as it mostly is, a locked collection, a prompt, a
// service that was restarted, is errIndirect and left to go-keyring.
type direct struct {
	mu         sync.Mutex
	service    *ss.SecretService
	session    dbus.BusObject
	collection dbus.BusObject
}

const loginCollection = "/org/freedesktop/secrets/collection/login"

// attributes are those by which go-keyring finds an item.
func attributes(service, key string) map[string]string {
	return map[string]string{"service": service, "username": key}
}

// open begins a session on the connection that go-keyring uses, too.
func (d *direct) open() error {
	if d.session != nil {
		return nil
	}
	service, err := ss.NewSecretService()
	if err != nil {
		return err
	}
	collection := service.GetLoginCollection()
	if collection.Path() != loginCollection {
		return errIndirect // go-keyring's choice may change when there is one
	}
	session, err := service.OpenSession()
	if err != nil {
		return err
	}
	d.service, d.session, d.collection = service, session, collection
	return nil
}

// try runs f with a session, and forgets the session if f fails.
func (d *direct) try(f func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.open()
	if err == nil {
		err = f()
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		d.session = nil
		return errIndirect
	}
	return err
}

func (d *direct) get(service, key string) (value string, err error) {
	err = d.try(func() error {
		items, err := d.service.SearchItems(d.collection, attributes(service, key))
		if err != nil || len(items) == 0 {
			return errIndirect // a locked collection may not tell
		}
		secret, err := d.service.GetSecret(items[0], d.session.Path())
		if err == nil {
			value = string(secret.Value)
		}
		return err
	})
	return value, err
}

// set replaces the item's secret.
func (d *direct) set(service, key, value string) error {
	return d.try(func() error {
		label := "Password for '" + key + "' on '" + service + "'" // as go-keyring has it
		return d.service.CreateItem(d.collection, label, attributes(service, key), ss.NewSecret(d.session.Path(), value))
	})
}
