package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/secret"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// ErrNoDevice says that the provider does not offer the device flow, as far as
// is known.
var ErrNoDevice = errors.New("the provider offers no login on another device")

const (
	deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
	// defaultInterval is the pause between two token requests where the
	// provider names none, and slowDown what it grows by when the provider asks
	// for that (RFC 8628 sections 3.2 and 3.5).
	defaultInterval = 5 * time.Second
	slowDown        = 5 * time.Second
	// maxDeviceLife bounds how long a login waits, whatever the provider says.
	maxDeviceLife = time.Hour
	// maxUserCode is longer than any code a person would type, maxVerification
	// than any address.
	maxUserCode     = 32
	maxVerification = 2 << 10
)

// userCode is what a person can read, type and paste (RFC 8628 section 6.1)
// and a terminal can be given: no text that says something else.
var userCode = text.Pattern(fmt.Sprintf(`^[0-9A-Za-z][0-9A-Za-z-]{0,%d}$`, maxUserCode-1))

// DeviceRequest says who logs in where with the device flow.
type DeviceRequest struct {
	Endpoints
	Client Client
	Scopes []string
	// Extra are further parameters of the device authorization request. The
	// ones that this package sets itself are refused.
	Extra url.Values
	// OnCode gets the code to show, once, before the waiting begins. Device
	// waits for it to return.
	OnCode func(DeviceCode)
	// Keep, if set, gets every token request: see Keep.
	Keep Keep
}

// DeviceCode is what the user needs to finish the login on another device. All
// of it is fit to be printed, copied and opened.
type DeviceCode struct {
	UserCode        string // letters, digits and hyphens
	VerificationURI string // https, or http to a loopback literal
	// VerificationURIComplete has the code in it, or is "". The code is to be
	// shown all the same, for the user to compare (RFC 8628 section 3.3.1).
	VerificationURIComplete string
	Expires                 time.Time // UTC
}

// deviceLogin is a granted device authorization request.
type deviceLogin struct {
	DeviceCode
	secret   secret.String // the device code
	interval time.Duration
}

// Device signs the user in on another device (RFC 8628): it asks for a code,
// hands it to OnCode, and asks the token endpoint until the user has decided,
// the code has expired or ctx ends.
//
// There is one token request per interval, the first after one interval. The
// interval is the provider's, or 5 s; it grows by 5 s with every slow_down. While
// the provider cannot be reached or has a problem of its own, the pause doubles
// each time.
//
// Errors: ErrNoDevice, ErrDenied, ErrTimeout (the code expired), ErrCancelled
// (ctx ended), ErrIDToken, ErrInsecureURL, ErrMalformed, or an [*Error] with the
// code of the endpoint.
func (w *Wire) Device(ctx context.Context, r DeviceRequest) (Tokens, error) {
	w = w.Trusting(r.Trust)
	if r.DeviceAuthorization == "" {
		return Tokens{}, ErrNoDevice
	}
	if err := r.validate(); err != nil {
		return Tokens{}, err
	}
	if ctx.Err() != nil {
		return Tokens{}, endOfWait(ctx)
	}
	d, err := w.requestCode(ctx, &r)
	switch {
	case err == nil:
		r.OnCode(d.DeviceCode)
		return w.poll(ctx, r, d)
	case ctx.Err() != nil:
		err = endOfWait(ctx)
	}
	return Tokens{}, err
}

func (r DeviceRequest) validate() error {
	if r.OnCode == nil {
		return errors.New("device login: there is nobody to show the code to")
	}
	return checkRequest(r.Endpoints, r.Client, r.Scopes, r.Extra)
}

// requestCode sends the device authorization request (RFC 8628 section 3.1). How the
// client is authenticated is in r afterwards.
func (w *Wire) requestCode(ctx context.Context, r *DeviceRequest) (deviceLogin, error) {
	form := url.Values{}
	for name, values := range r.Extra {
		form[name] = slices.Clone(values)
	}
	if len(r.Scopes) > 0 {
		form.Set(cmp.Or(r.Dialect.DeviceScopes, "scope"), strings.Join(r.Scopes, " "))
	}
	a, err := w.postGuessing(ctx, "device authorization", r.DeviceAuthorization, &r.Client, form)
	if err != nil {
		return deviceLogin{}, err
	}
	return a.deviceLogin(strings.HasPrefix(r.DeviceAuthorization, "https:"), w.now())
}

// deviceLogin reads a device authorization response (RFC 8628 section 3.2).
// secure is whether it came over https: such a provider does not send the user
// to a port of this computer.
func (a answer) deviceLogin(secure bool, now time.Time) (deviceLogin, error) {
	o, err := a.object(now)
	if err != nil {
		return deviceLogin{}, err
	}
	code, ok := o.token("device_code")
	if !ok {
		return deviceLogin{}, a.malformed("the answer has no usable device code")
	}
	d := deviceLogin{secret: secret.String(code), interval: defaultInterval}
	if d.UserCode, ok = o.text("user_code"); !ok || !userCode().MatchString(d.UserCode) {
		return deviceLogin{}, a.malformed("the answer has no user code that can be shown")
	}
	name := "verification_uri"
	if !o.has(name) {
		name = "verification_url" // what Google calls it
	}
	if d.VerificationURI, ok = o.verification(name, secure); !ok {
		return deviceLogin{}, a.malformed("the answer has no address that can be shown")
	}
	if o.has("verification_uri_complete") {
		if d.VerificationURIComplete, ok = o.verification("verification_uri_complete", secure); !ok {
			return deviceLogin{}, a.malformed("the answer has an address that cannot be shown")
		}
	}
	life, ok := o.lifetime("expires_in")
	if !ok {
		life = DefaultLoginTimeout // it has to be there, but what is missing is harmless
	}
	life = min(life, maxDeviceLife)
	d.Expires = a.at.Add(life)
	if interval, ok := o.lifetime("interval"); ok {
		d.interval = interval
	}
	if d.interval >= life {
		return deviceLogin{}, a.malformed("the code ends before the provider may be asked about it")
	}
	return d, nil
}

// verification returns an address that the user may be sent to.
func (o object) verification(name string, secure bool) (string, bool) {
	s, ok := o.text(name)
	if !ok || len(s) > maxVerification || !printable(s) || strings.ContainsAny(s, " \"'<>\\`") {
		return "", false
	}
	u, err := checkURL(s)
	return s, err == nil && (!secure || u.Scheme == "https")
}

// expired says that nobody used the code.
func expired() error {
	return hint.Wrap(fmt.Errorf("login: %w: the code was not used in time", ErrTimeout), "start the login again and enter the new code")
}
