// Package vaulttest is what every vault.Vault must do: the one in memory that
// other tests use as well as the real ones. What a test relies on and a keychain
// does not do belongs into neither.
package vaulttest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// Run tests one kind of vault. open returns a vault on the same items each time,
// as another process would; there are none when Run begins, and Run removes what
// it stored.
func Run(t *testing.T, open func() vault.Vault) {
	t.Helper()
	s := suite{open: open}
	for name, test := range map[string]func(*testing.T){
		"nothing is stored":             s.nothing,
		"what is stored comes back":     s.roundTrip,
		"the newest counts":             s.replace,
		"items are apart":               s.apart,
		"what is removed is gone":       s.remove,
		"too big is refused":            s.tooBig,
		"what is not text is all right": s.bytes,
		"a caller who has gone":         s.gone,
		"many at once":                  s.together,
	} {
		t.Run(name, test)
	}
}

type suite struct{ open func() vault.Vault }

const prefix = "profile/0123456789abcdef/"

func (s suite) set(t *testing.T, key, value string) {
	t.Helper()
	t.Cleanup(func() {
		if err := s.open().Delete(context.Background(), prefix+key); err != nil {
			t.Error(err)
		}
	})
	if err := s.open().Set(t.Context(), prefix+key, secret.String(value)); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
}

// want fails unless another process reads the value; "-" stands for no item.
func (s suite) want(t *testing.T, key, value string) {
	t.Helper()
	got, err := s.open().Get(t.Context(), prefix+key)
	switch {
	case value == "-" && (!errors.Is(err, vault.ErrNotFound) || errors.Is(err, vault.ErrIncomplete) || !got.Empty()):
		t.Errorf("%s: %.40q, %v, want no item", key, got.Reveal(), err)
	case value != "-" && (err != nil || got.Reveal() != value):
		t.Errorf("%s: %d bytes, %v, want %d", key, len(got.Reveal()), err, len(value))
	}
}

func (s suite) nothing(t *testing.T) {
	s.want(t, "tokens", "-")
	if err := s.open().Delete(t.Context(), prefix+"tokens"); err != nil {
		t.Errorf("removing nothing: %v", err)
	}
	if k := s.open().Kind(); k != vault.Keychain && k != vault.File {
		t.Errorf("kind %q", k)
	}
}

func (s suite) roundTrip(t *testing.T) {
	for name, value := range map[string]string{
		"empty":       "",
		"json":        `{"access_token":"a<b>&c","n":1}`,
		"white-space": "  two lines\nand a tab\t \n",
		"letters":     "Grüße, 日本",
		"quotes":      `'"$(x)` + "`\\",
		"as-we-write": "stagedoor-item/1 {}\nx",
		"token":       strings.Repeat("t", 3000),
		"large":       strings.Repeat("0123456789abcdef", 5000),
		"largest":     strings.Repeat("x", vault.MaxValue),
	} {
		s.set(t, name, value)
		s.want(t, name, value)
	}
}

func (s suite) replace(t *testing.T) {
	v := s.open() // one that has read before takes a shorter way
	for i, size := range []int{10, 9000, 200, 70_000, 0, 30} {
		value := strings.Repeat(fmt.Sprint(i), size)
		s.set(t, "tokens", value)
		s.want(t, "tokens", value)
		value += "!"
		if _, err := v.Get(t.Context(), prefix+"tokens"); err != nil {
			t.Fatal(err)
		}
		if err := v.SetUnread(t.Context(), prefix+"tokens", secret.String(value)); err != nil {
			t.Fatal(err)
		}
		s.want(t, "tokens", value)
	}
}

func (s suite) apart(t *testing.T) {
	s.set(t, "tokens", "1")
	s.set(t, "tokens2", strings.Repeat("2", 9000))
	s.set(t, "token", "3")
	if err := s.open().Delete(t.Context(), prefix+"tokens"); err != nil {
		t.Fatal(err)
	}
	s.want(t, "tokens", "-")
	s.want(t, "tokens2", strings.Repeat("2", 9000))
	s.want(t, "token", "3")
}

func (s suite) remove(t *testing.T) {
	for _, size := range []int{10, 9000} {
		s.set(t, "tokens", strings.Repeat("t", size))
		for range 2 {
			if err := s.open().Delete(t.Context(), prefix+"tokens"); err != nil {
				t.Fatal(err)
			}
			s.want(t, "tokens", "-")
		}
	}
}

func (s suite) tooBig(t *testing.T) {
	s.set(t, "tokens", "the old one")
	err := s.open().Set(t.Context(), prefix+"tokens", secret.String(strings.Repeat("x", vault.MaxValue+1)))
	if !errors.Is(err, vault.ErrTooBig) {
		t.Errorf("%v, want ErrTooBig", err)
	}
	s.want(t, "tokens", "the old one")
}

// bytes may be refused, but not changed.
func (s suite) bytes(t *testing.T) {
	for _, value := range []string{"\x00\x01", "\xff\xfe", "a\xc3"} {
		s.set(t, "tokens", "the old one")
		want := value
		if err := s.open().Set(t.Context(), prefix+"tokens", secret.String(value)); err != nil {
			want = "the old one"
		}
		s.want(t, "tokens", want)
	}
}

func (s suite) gone(t *testing.T) {
	s.set(t, "tokens", "the old one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	v := s.open()
	_, err := v.Get(ctx, prefix+"tokens")
	for what, err := range map[string]error{
		"get": err, "set": v.Set(ctx, prefix+"tokens", "new"), "delete": v.Delete(ctx, prefix+"tokens"),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
	}
	s.want(t, "tokens", "the old one")
}

func (s suite) together(t *testing.T) {
	const writers = 8
	shared := s.open()
	var wg sync.WaitGroup
	for i := range writers {
		key, value := fmt.Sprint("together", i), strings.Repeat(fmt.Sprint(i), 100*i)
		s.set(t, key, "before")
		wg.Go(func() {
			if err := shared.Set(t.Context(), prefix+key, secret.String(value)); err != nil {
				t.Errorf("%s: %v", key, err)
			}
		})
	}
	wg.Wait()
	for i := range writers {
		s.want(t, fmt.Sprint("together", i), strings.Repeat(fmt.Sprint(i), 100*i))
	}
}
