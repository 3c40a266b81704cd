package audit

import "bytes"

// members are what stands in a line, as it stands there: strings without their
// quotes and not unescaped, data with its braces.
type members struct{ actor, name, profile, outcome, data []byte }

// members takes a line apart without decoding it. A line that decode accepts
// is taken apart rightly; of another it is unsaid what comes out.
func (f frame) members() (m members, ok bool) {
	b := f.afterTime()
	if b == nil {
		return m, false
	}
	text := func(member string) (value []byte) {
		if !ok {
			return nil
		}
		if b, ok = bytes.CutPrefix(b, []byte(member)); !ok {
			return nil
		}
		after := skipString(b)
		if ok = after != nil; !ok {
			return nil
		}
		value, b = b[1:len(b)-len(after)-1], after
		return value
	}
	ok = true
	m.actor = text(`,"actor":`)
	const pid = `,"pid":`
	if !ok || !bytes.HasPrefix(b, []byte(pid)) {
		return m, false
	}
	comma := bytes.IndexByte(b[len(pid):], ',')
	if comma < 0 {
		return m, false
	}
	b = b[len(pid)+comma:]
	m.name = text(`,"event":`)
	m.profile = text(`,"profile":`)
	m.outcome = text(`,"outcome":`)
	if ok {
		m.data, _ = bytes.CutPrefix(b, []byte(`,"data":`))
	}
	return m, ok
}

// afterTime is what follows the line's time in its body, or nil.
func (f frame) afterTime() []byte {
	const ts = `,"ts":"`
	if len(f.body) < len(headLine) {
		return nil
	}
	comma := bytes.IndexByte(f.body[len(headLine):], ',')
	at := len(headLine) + comma + len(ts) + len(timeLayout) + len(`"`)
	if comma < 0 || len(f.body) < at {
		return nil
	}
	return f.body[at:]
}

// rawEvent cuts the event's name out of a line. It is found by what comes
// before it, since data may have a member of the same name.
func (f frame) rawEvent() []byte {
	const actor, pid, event = `,"actor":`, `,"pid":`, `,"event":`
	b := f.afterTime()
	if !bytes.HasPrefix(b, []byte(actor)) {
		return nil
	}
	b = skipString(b[len(actor):])
	if !bytes.HasPrefix(b, []byte(pid)) {
		return nil
	}
	comma := bytes.IndexByte(b[len(pid):], ',')
	if comma < 0 {
		return nil
	}
	b, ok := bytes.CutPrefix(b[len(pid)+comma:], []byte(event))
	after := skipString(b)
	if !ok || after == nil {
		return nil
	}
	return b[1 : len(b)-len(after)-1]
}

// skipString returns what follows the JSON string that b begins with, or nil.
func skipString(b []byte) []byte {
	if len(b) == 0 || b[0] != '"' {
		return nil
	}
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '"':
			return b[i+1:]
		case '\\':
			i++
		}
	}
	return nil
}
