package platform

import (
	"errors"

	"golang.org/x/sys/windows/registry"
)

// UserRegistry is HKEY_CURRENT_USER of this user.
func UserRegistry() Registry { return userRegistry{} }

type userRegistry struct{}

func (userRegistry) Get(key, name string) ([]byte, error) {
	k, err := registry.OpenKey(registry.CURRENT_USER, key, registry.QUERY_VALUE)
	if errors.Is(err, registry.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = k.Close() }()
	text, _, err := k.GetStringValue(name)
	if err == nil {
		return []byte(text), nil
	}
	data, _, err := k.GetBinaryValue(name)
	if errors.Is(err, registry.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

func (userRegistry) SetText(key, name, text string) error {
	return set(key, func(k registry.Key) error { return k.SetStringValue(name, text) })
}

func (userRegistry) SetExpandable(key, name, text string) error {
	return set(key, func(k registry.Key) error { return k.SetExpandStringValue(name, text) })
}

func set(key string, value func(registry.Key) error) error {
	k, _, err := registry.CreateKey(registry.CURRENT_USER, key, registry.SET_VALUE)
	if err != nil {
		return err
	}
	defer func() { _ = k.Close() }()
	return value(k)
}

func (userRegistry) Delete(key, name string) error {
	k, err := registry.OpenKey(registry.CURRENT_USER, key, registry.SET_VALUE)
	if err == nil {
		defer func() { _ = k.Close() }()
		err = k.DeleteValue(name)
	}
	if errors.Is(err, registry.ErrNotExist) {
		return nil
	}
	return err
}
