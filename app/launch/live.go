package launch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/stagedoor-app/stagedoor/app/launch/proxy"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/profile"
	"github.com/stagedoor-app/stagedoor/auth/provider"
	"github.com/stagedoor-app/stagedoor/auth/vault"
)

// LiveKeeper is what a server that is kept supplied needs of the Keeper.
type LiveKeeper interface {
	Fresh(ctx context.Context, p profile.Profile) (auth.Access, error)
	Holds(ctx context.Context, p profile.Profile, had auth.Access) (bool, error)
	RecordRefusal(ctx context.Context, p profile.Profile, purpose string, err error)
	RecordHandOut(ctx context.Context, p profile.Profile)
	Doubt(ctx context.Context, p profile.Profile, had auth.Access) (dead bool)
}

// Live is where a proxy's credentials come from: the profile that Find names at the
// moment, delivered as the server wants it.
type Live struct {
	Keeper   LiveKeeper
	Find     func() (profile.Profile, error)
	Named    func(name string) (profile.Profile, error) // for {secret:NAME}
	Delivery Delivery
	Environ  []string                 // this process's
	Program  string                   // the server's, with its path
	RunDirs  func() ([]string, error) // where run folders may be made, see NewRunDir

	mu   sync.Mutex
	had  auth.Access                // of the server that was started last
	keys []key                      // of other profiles, that it has besides
	sure string                     // the token of which the provider was asked
	when time.Time                  // it was
	seen map[string]profile.Profile // whose tokens were delivered, by id
	dirs map[string]*RunDir         // that servers read, the last one of each profile
	ends []func()                   // of what servers were given
	shut time.Time                  // when the user declined to unlock the keychain
}

// Fresh returns what to start a server with.
func (l *Live) Fresh(ctx context.Context) (proxy.Credential, error) {
	p, err := l.Find()
	if err != nil {
		l.Keeper.RecordRefusal(ctx, p, "run", err)
		return proxy.Credential{}, sentence(err)
	}
	access, err := l.access(ctx, p)
	if err != nil {
		return proxy.Credential{}, sentence(err)
	}
	c, err := l.Deliver(ctx, access)
	if err != nil {
		return proxy.Credential{}, sentence(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.seen == nil {
		l.seen = map[string]profile.Profile{}
	}
	l.seen[p.ID] = p
	return c, nil
}

// access gets a token. A client may call again and again: a user who has declined to
// unlock the keychain is not asked by each call of the next minute.
func (l *Live) access(ctx context.Context, p profile.Profile) (auth.Access, error) {
	l.mu.Lock()
	if !l.shut.IsZero() && time.Since(l.shut) < time.Minute {
		ctx = vault.WithWait(ctx, 0)
	}
	l.mu.Unlock()
	access, err := l.Keeper.Fresh(ctx, p)
	if vault.Wait(ctx) > 0 && errors.Is(err, vault.ErrLocked) && !errors.Is(err, vault.ErrWaiting) {
		l.mu.Lock()
		l.shut = time.Now()
		l.mu.Unlock()
	}
	return access, err
}

// Profile is the one with that id, or "" for that of the server that was started last.
func (l *Live) Profile(id string) profile.Profile {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen[cmp.Or(id, l.had.ProfileID)]
}

// Deliver makes ready what a server reads of a login.
func (l *Live) Deliver(ctx context.Context, access auth.Access) (c proxy.Credential, err error) {
	keys, err := l.others(ctx)
	if err != nil {
		return c, err
	}
	access.Values = maps.Clone(access.Values)
	hide := []string{access.Token.Reveal(), "[token]"}
	for _, k := range keys {
		if access.Values == nil {
			access.Values = map[string]string{}
		}
		access.Values["secret:"+k.profile.Name] = k.had.Token.Reveal()
		hide = append(hide, k.had.Token.Reveal(), "[key]")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() {
		if err != nil && c.Done != nil {
			c.Done()
		}
	}()
	c = proxy.Credential{
		Account: access.ProfileID, Token: digest(access), Renews: access.Renews, Expires: access.Expires,
		Redact: strings.NewReplacer(hide...).Replace,
	}
	if access.Use != nil && l.Delivery.expires() {
		c.Gate = access.Use
	}
	values := ValuesOf(access)
	same := l.had.ProfileID == access.ProfileID
	l.had, l.keys = access, keys
	if l.Delivery.NeedsRunDir() {
		dir := l.dirs[access.ProfileID]
		if dir == nil || !l.Delivery.Rereads {
			parents, err := l.RunDirs()
			if err == nil {
				dir, err = NewRunDir(parents...)
			}
			if err != nil {
				return c, err
			}
			if l.Delivery.Rereads { // later servers read it too
				l.ends = append(l.ends, dir.Remove)
			} else {
				l.whenDone(&c, dir.Remove)
			}
			if l.dirs == nil {
				l.dirs = map[string]*RunDir{}
			}
			l.dirs[access.ProfileID] = dir
		}
		values.RunDir = dir.Path
		write := func() error { return dir.Write(l.Delivery.Files, values) }
		if l.Delivery.Rereads && same {
			c.Renew = write // the server may be there, and at work
		} else if err := write(); err != nil {
			return c, err
		}
		if l.Delivery.InRunDir {
			c.Dir = dir.Path
		}
	} else if !l.Delivery.expires() {
		c.Renews, c.Expires = time.Time{}, time.Time{} // it asks when it needs one
	}
	if c.Env, err = Environ(l.Environ, l.Delivery.Env, values); err != nil {
		return c, err
	}
	c.Env = WithFolderOf(l.Program, c.Env)
	if l.Delivery.Endpoint {
		e, err := NewEndpoint(ctx, func(ctx context.Context) (auth.Access, error) { return l.again(ctx, access.ProfileID) })
		if err != nil {
			return c, err
		}
		l.whenDone(&c, e.Close)
		c.Env = append(c.Env, e.Environ()...)
	}
	return c, nil
}

// whenDone has something that a server was given end with the server, and with us at
// the latest.
func (l *Live) whenDone(c *proxy.Credential, end func()) {
	end = sync.OnceFunc(end)
	l.ends = append(l.ends, end)
	before := c.Done
	c.Done = func() {
		if end(); before != nil {
			before()
		}
	}
}

// again returns another token for a server that has an account.
func (l *Live) again(ctx context.Context, account string) (auth.Access, error) {
	p, err := l.Find()
	if err != nil {
		return auth.Access{}, sentence(err)
	}
	if p.ID != account {
		return auth.Access{}, errors.New("another account was selected")
	}
	access, err := l.access(ctx, p)
	if err != nil {
		return auth.Access{}, sentence(err)
	}
	l.Keeper.RecordHandOut(ctx, p)
	return access, nil
}

// expires reports whether what a server is given at its start ends with the token.
func (d Delivery) expires() bool {
	return !d.Endpoint || slices.ContainsFunc(d.Env, func(v Var) bool {
		return NamesToken(v.Template) || strings.Contains(v.Template, "{expires")
	})
}

// Close removes what servers were given.
func (l *Live) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, end := range l.ends {
		end()
	}
	l.ends = nil
}

// Current reports whether the server that was started with c may go on with it.
func (l *Live) Current(ctx context.Context, c proxy.Credential) (bool, error) {
	p, err := l.Find()
	if err != nil {
		return false, sentence(err)
	}
	if p.ID != c.Account {
		return false, nil
	}
	l.mu.Lock()
	had, keys := l.had, l.keys
	l.mu.Unlock()
	ok, err := l.Keeper.Holds(ctx, p, had)
	for _, k := range keys {
		if ok && err == nil {
			ok, err = l.Keeper.Holds(ctx, k.profile, k.had)
		}
	}
	if err != nil {
		return false, sentence(err)
	}
	return ok, nil
}

// Doubt is to be called when an API refused a token, and reports whether that is dead.
// The provider is asked at most once an hour for each: it may lose one without an end.
func (l *Live) Doubt(ctx context.Context, c proxy.Credential) (dead bool) {
	l.mu.Lock()
	had, p := l.had, l.seen[c.Account]
	recent := l.sure == c.Token && time.Since(l.when) < askEvery
	asked := recent || c.Account != had.ProfileID || c.Token != digest(had)
	if !recent {
		l.sure, l.when = c.Token, time.Now()
	}
	l.mu.Unlock()
	return !asked && l.Keeper.Doubt(ctx, p, had)
}

// askEvery is how often the provider is asked of one token.
const askEvery = time.Hour

// key is the API key of another profile than the server's own.
type key struct {
	profile profile.Profile
	had     auth.Access
}

// others gets the API keys that the delivery names. Only those do: a login's token ends,
// and the server would have to be started anew for two of them.
func (l *Live) others(ctx context.Context) (keys []key, err error) {
	for _, name := range l.Delivery.Others() {
		p, err := l.Named(name)
		if err == nil && p.Provider != provider.APIKey {
			err = hint.Usage(name+" is no API key", "{secret:NAME} is for those; --profile names the login whose token the server gets")
		}
		if err != nil {
			l.Keeper.RecordRefusal(ctx, p, "run", err)
			return nil, err
		}
		had, err := l.access(ctx, p)
		if err != nil {
			return nil, err
		}
		l.Keeper.RecordHandOut(ctx, p)
		keys = append(keys, key{p, had})
	}
	return keys, nil
}

// digest tells what servers were given apart.
func digest(access auth.Access) string {
	all := access.Token.Reveal()
	for _, name := range slices.Sorted(maps.Keys(access.Values)) {
		if strings.HasPrefix(name, "secret:") {
			all += "\n" + access.Values[name]
		}
	}
	sum := sha256.Sum256([]byte(all))
	return string(sum[:])
}

// sentence is an error as the user of an MCP client reads it, with what to do.
func sentence(err error) error {
	words := fmt.Sprintf("Stagedoor has no token for this server: %v.", err)
	if advice := hint.Of(err); advice != "" {
		words += " To mend that, " + advice + "."
	}
	return errors.New(words)
}

// ValuesOf are what templates can name of a token.
func ValuesOf(access auth.Access) Values {
	expires := access.Expires
	if expires.IsZero() { // no end is known, and servers do sums with it
		expires = time.Date(2100, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	return Values{
		AccessToken: access.Token, TokenType: access.Type, Expires: expires, Scopes: access.Scopes,
		ClientID: access.ClientID, RedirectURI: access.RedirectURI, Profile: access.ProfileName, Known: access.Values, FreePort: sync.OnceValue(freePort),
	}
}

// freePort is for a server with a listener of its own, of which the next one starts
// while this one still runs.
func freePort() string {
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return "0"
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
