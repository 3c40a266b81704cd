package clients

import (
	"context"
	"errors"
)

func (c *Configs) Plan(ctx context.Context, client Client, name string, e *Entry) (Change, error) {
	return Change{}, errors.ErrUnsupported
}
func (c Change) Diff() string { return "" }
func (c *Configs) Apply(ctx context.Context, ch Change) (backup string, err error) {
	return "", errors.ErrUnsupported
}
func (c *Configs) Entries(ctx context.Context, client Client) (map[string]Entry, error) {
	return nil, errors.ErrUnsupported
}
func (c *Configs) Ours(ctx context.Context, client Client, self string) ([]string, error) {
	return nil, errors.ErrUnsupported
}
func (c *Configs) Backups(client Client) ([]string, error) { return nil, errors.ErrUnsupported }
func (c *Configs) Restore(ctx context.Context, client Client, backup string) (replaced string, err error) {
	return "", errors.ErrUnsupported
}
