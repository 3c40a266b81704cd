package setup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Revisions of the protocol: the newest one with a handshake, and the one without.
const (
	withHandshake = "2025-11-25"
	stateless     = "2026-07-28"
)

// maxMessage and maxPages are what an honest list of tools stays far below.
const (
	maxMessage = 64 << 20 // bytes
	maxPages   = 1000
)

// errHungUp says that the server closed its output.
var errHungUp = errors.New("it ended without an answer")

// answers are what a server said.
type answers struct {
	protocol string
	tools    []Tool
	standIn  string // the launcher's own words: it has no token to start the server with
}

// rpcError is an error that a server answered.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string { return e.Message }

// unknown says that a server of the revision without a handshake may have answered
// so to the opening of the others.
func (e *rpcError) unknown() bool { return e.Code <= -32600 && e.Code >= -32602 || e.Code == -32022 }

// message is one of JSON-RPC 2.0.
type message struct {
	Version string         `json:"jsonrpc"`
	ID      jsontext.Value `json:"id,omitzero"`
	Method  string         `json:"method,omitzero"`
	Params  any            `json:"params,omitzero"`
	Result  jsontext.Value `json:"result,omitzero"`
	Error   *rpcError      `json:"error,omitzero"`
}

// conversation is that of a client with a server.
type conversation struct {
	out   io.Writer
	lines chan []byte // closed when the server has closed its output
	last  int         // id
}

func newConversation(out io.Writer, in io.Reader) *conversation {
	c := &conversation{out: out, lines: make(chan []byte, 1)}
	go func() {
		defer close(c.lines)
		scan := bufio.NewScanner(in)
		scan.Buffer(nil, maxMessage)
		for scan.Scan() {
			c.lines <- bytes.Clone(scan.Bytes())
		}
	}()
	return c
}

// open shakes hands and lists the tools, in whichever of the two eras of the
// protocol the server speaks, the one that clients open with first.
func (c *conversation) open(ctx context.Context) (heard answers, err error) {
	defer func() { // so that the reader comes to the end
		go func() {
			for range c.lines {
			}
		}()
	}()
	us := map[string]any{"name": "stagedoor-check", "version": "1"}
	var opened struct {
		Version string                    `json:"protocolVersion"`
		Able    map[string]jsontext.Value `json:"capabilities"`
		Server  struct {
			Name string `json:"name"`
		} `json:"serverInfo"`
		Instructions string `json:"instructions"`
	}
	var meta map[string]any
	err = c.call(ctx, "initialize", map[string]any{"protocolVersion": withHandshake, "capabilities": map[string]any{}, "clientInfo": us}, &opened)
	heard.protocol = opened.Version
	if refused := (*rpcError)(nil); errors.As(err, &refused) && refused.unknown() {
		heard.protocol = stateless
		meta = map[string]any{
			"io.modelcontextprotocol/protocolVersion":    stateless,
			"io.modelcontextprotocol/clientCapabilities": map[string]any{},
			"io.modelcontextprotocol/clientInfo":         us,
		}
		if c.call(ctx, "server/discover", map[string]any{"_meta": meta}, &opened) != nil {
			return heard, err // what it said first says more
		}
	} else if err != nil {
		return heard, err
	} else if err = c.send(message{Method: "notifications/initialized"}); err != nil {
		return heard, err
	}
	if opened.Server.Name == "stagedoor" && opened.Instructions != "" {
		heard.standIn = opened.Instructions
		return heard, nil
	}
	if _, has := opened.Able["tools"]; !has {
		return heard, nil
	}
	heard.tools, err = c.tools(ctx, meta)
	return heard, err
}

// tools lists them, page by page.
func (c *conversation) tools(ctx context.Context, meta map[string]any) (all []Tool, err error) {
	cursor := ""
	for range maxPages {
		params := map[string]any{}
		if meta != nil {
			params["_meta"] = meta
		}
		if cursor != "" {
			params["cursor"] = cursor
		}
		var page struct {
			Tools []Tool `json:"tools"`
			Next  string `json:"nextCursor"`
		}
		if err := c.call(ctx, "tools/list", params, &page); err != nil {
			return all, fmt.Errorf("it lists no tools: %w", err)
		}
		all = append(all, page.Tools...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
	return all, errors.New("its list of tools has no end")
}

// call asks the server, and answers what it asks meanwhile.
func (c *conversation) call(ctx context.Context, method string, params, result any) error {
	c.last++
	id := jsontext.Value(fmt.Sprint(c.last))
	if err := c.send(message{ID: id, Method: method, Params: params}); err != nil {
		return err
	}
	for {
		var line []byte
		select {
		case <-ctx.Done():
			return ctx.Err()
		case l, more := <-c.lines:
			if !more {
				return errHungUp
			}
			line = l
		}
		var m message
		if json.Unmarshal(line, &m) != nil {
			continue // what is no message the launcher has passed on to standard error
		}
		switch {
		case m.Method == method:
			return errors.New("it repeats what it is asked, as no MCP server does")
		case m.Method != "" && m.ID != nil:
			answer := message{ID: m.ID, Error: &rpcError{-32601, "this client is a check that offers nothing"}}
			if m.Method == "ping" {
				answer = message{ID: m.ID, Result: jsontext.Value("{}")}
			}
			if err := c.send(answer); err != nil {
				return err
			}
		case string(m.ID) != string(id):
		case m.Error != nil:
			return m.Error
		case json.Unmarshal(m.Result, result) != nil:
			return fmt.Errorf("its answer to %s is not as the protocol has it", method)
		default:
			return nil
		}
	}
}

func (c *conversation) send(m message) error {
	m.Version = "2.0"
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if _, err = c.out.Write(append(line, '\n')); err != nil {
		return errHungUp
	}
	return nil
}
