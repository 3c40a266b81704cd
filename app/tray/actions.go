package tray

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/stagedoor-app/stagedoor/app/setup"
	"github.com/stagedoor-app/stagedoor/auth"
	"github.com/stagedoor-app/stagedoor/auth/hint"
	"github.com/stagedoor-app/stagedoor/auth/text"
)

// act starts what was clicked. It runs on the loop's goroutine and blocks on
// nothing.
func (c *controller) act(a Action) {
	switch a.Verb {
	case Use:
		c.use(a.Arg)
	case Login:
		c.login(a.Arg)
	case CancelLogin:
		if c.cancelLogin != nil {
			c.cancelLogin()
		}
	case Revoke:
		c.revoke(a.Arg)
	case Retry:
		c.readState()
	case Setup:
		c.setup(a.Arg)
	case PutBack:
		c.putBack(a.Arg)
	case LeaveOut:
		c.leaveOut(a.Arg)
	case OpenWindow:
		c.openWindow(a.Arg)
	}
}

// outlive is the context of what must not be cut in half by quitting. Its
// timeout still ends it.
func (c *controller) outlive() context.Context { return context.WithoutCancel(c.quitting) }

func (c *controller) use(name string) {
	service := ""
	if i := slices.IndexFunc(c.view.State.Profiles, func(p auth.ProfileView) bool { return p.Name == name && p.Status == auth.StatusActive }); i >= 0 {
		service = c.view.State.Profiles[i].Service
	}
	c.start(c.outlive(), switchTimeout, func(ctx context.Context) func() {
		var deaf []string // clients that do not hear of it
		unused := false
		err := c.p.Keeper.Use(ctx, name)
		switch {
		case err != nil:
			c.failed(name+": switching failed", err)
		case service != "" && c.p.Uses != nil && !c.p.Uses(name):
			unused = true
		case service != "" && c.p.KeepLists != nil:
			deaf = c.p.KeepLists(service)
		}
		return func() {
			c.readState()
			if unused && !c.toldUnused[name] {
				c.toldUnused[name] = true
				c.p.Notify.Info(name+": selected", "No MCP client has a server that uses it. Set one up in this menu"+c.where("", ", or with: stagedoor setup"))
			}
			if len(deaf) > 0 && !c.toldOfLists {
				c.toldOfLists = true // once while the tray runs
				c.p.Notify.Info(name+": selected", "Servers that run use it from now on. If its tools are others, start "+strings.Join(deaf, " and ")+" again to see them.")
			}
		}
	})
}

func (c *controller) login(name string) {
	if c.view.LoggingIn != "" {
		return // the browser shows the one that is running
	}
	ctx, cancel := context.WithCancel(c.quitting)
	c.view.LoggingIn, c.cancelLogin = name, cancel
	c.start(ctx, loginTimeout, func(ctx context.Context) func() {
		defer cancel()
		result, err := c.p.Keeper.Login(ctx, name, auth.LoginOptions{
			OnOpenFailed: func(err error) {
				c.failed(name+": the browser could not be opened, the login goes on waiting", err)
			},
		})
		switch {
		case errors.Is(err, context.Canceled) && ctx.Err() != nil:
			// The user's own cancel, or the tray quits: nothing to report.
		case err != nil:
			c.failed(name+": login failed", err)
		case result.Blocked != "":
			c.p.Notify.Info(name+": blocked, "+result.Blocked, text.Sentence(brief(result.Changed, 200))+
				". No server gets a token of this login until you accept it"+c.where(" in the Profiles window", ": stagedoor accept "+name))
		default:
			title, less := name+": signed in", ""
			if result.Account != "" {
				title += " as " + text.Name(result.Account)
			}
			if len(result.NotGranted) > 0 {
				less = brief("Not granted: "+strings.Join(result.NotGranted, " "), 200)
			}
			c.p.Notify.Info(title, less)
		}
		return func() {
			c.view.LoggingIn, c.cancelLogin = "", nil
			c.readState()
		}
	})
}

func (c *controller) revoke(name string) {
	if c.view.Revoking != "" {
		return
	}
	c.view.Revoking = name
	c.start(c.outlive(), revokeTimeout, func(ctx context.Context) func() {
		result, err := c.p.Keeper.Revoke(ctx, name)
		if err != nil {
			c.failed(name+": revoking failed", err)
		} else {
			c.p.Notify.Info(name+": "+result.Title, text.Sentence(result.Message))
		}
		if err == nil && result.AppsPage != "" && c.p.OpenURL != nil {
			if err := c.p.OpenURL(ctx, result.AppsPage); err != nil {
				c.failed("Cannot open "+result.AppsPage, err)
			}
		}
		return func() {
			c.view.Revoking = ""
			c.readState()
		}
	})
}

func (c *controller) setup(agreed string) {
	if c.view.SettingUp || c.p.Setup == nil {
		return
	}
	c.view.SettingUp = true
	c.start(c.outlive(), setupTimeout, func(ctx context.Context) func() {
		message, err := c.p.Setup(ctx, agreed)
		if unwell := (*setup.NotStarting)(nil); errors.As(err, &unwell) {
			c.failed("The server for Claude Desktop does not start", err)
		} else if err != nil {
			c.failed("Claude Desktop was not set up", err)
		} else {
			c.p.Notify.Info("Claude Desktop is set up", message)
		}
		return func() {
			c.view.SettingUp = false
			c.readState() // it may have to be asked first, or no longer
		}
	})
}

// readLost reads what clients lost and nobody decided about yet.
func (c *controller) readLost() {
	c.start(c.quitting, readTimeout, func(context.Context) func() {
		lost := c.p.Guard.Open()
		return func() { c.view.Lost = lost }
	})
}

func (c *controller) putBack(client string) {
	c.start(c.outlive(), setupTimeout, func(ctx context.Context) func() {
		message, err := c.p.Guard.PutBack(ctx, client)
		if err != nil {
			c.failed("It could not be put back", err)
		} else {
			c.p.Notify.Info("Put back", message)
		}
		return func() {}
	})
}

func (c *controller) leaveOut(client string) {
	c.start(c.outlive(), setupTimeout, func(ctx context.Context) func() {
		if err := c.p.Guard.Leave(ctx, client); err != nil {
			c.failed("It could not be noted", err)
		}
		return func() {}
	})
}

func (c *controller) openWindow(name string) {
	if c.p.OpenWindow == nil {
		return
	}
	c.start(c.outlive(), browseTimeout, func(context.Context) func() {
		if err := c.p.OpenWindow(name); err != nil {
			c.failed("The "+name+" window did not open", err)
		}
		return func() {}
	})
}

// where is a text for those who have windows, or for those who have commands alone.
func (c *controller) where(windows, commands string) string {
	if c.p.Windows {
		return windows
	}
	return commands
}

// plain is an error in words for people.
func plain(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "it took too long"
	}
	return err.Error()
}

// failed notifies the user of what failed and what to do about it. It is called on a
// worker's goroutine.
func (c *controller) failed(title string, err error) {
	c.p.Logger.Warn("a tray action failed", "action", title, "error", err)
	body := plain(err)
	if advice := c.where(hint.Plain(hint.Of(err)), hint.Of(err)); advice != "" {
		body += "\n" + advice
	}
	c.p.Notify.Info(title, text.Sentence(body))
}
