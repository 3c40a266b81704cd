package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"maps"
	"slices"
)

// A summary file is
//
//	"stagedoor index 1\n"
//	CRC-32C of what follows, 4 bytes, big endian
//	32 bytes: a MAC of what follows and of the segment's end, or zeros
//	size and time of change of the segment, lines, first and last number,
//	earliest and latest time
//	for each kind: 1 if there were too many values, number of values, and for
//	each value: its length, itself, number of lines, length of their list
//	length of the places, the places
//	the lists, in the order of the values
//
// All numbers are varints as in encoding/binary. A list has each line's number
// as the distance from the one before; the places have for each line the
// distance from the end of the one before, and its length.
//
// The file is derived. One that is missing, of another version, damaged or not
// about the segment as it is now is replaced by a new one.
const (
	summaryExt   = ".idx"
	summaryMagic = "stagedoor index 1\n"
)

var errBadIndex = errors.New("not a summary")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func appendUvarints(b []byte, list ...uint64) []byte {
	for _, n := range list {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

// summaryHead is how many bytes come before what the MAC is about.
const summaryHead = len(summaryMagic) + 4 + sha256.Size

// encode writes the file. mac makes the MAC; nil leaves it out.
func (x *index) encode(mac func(body []byte) []byte) []byte {
	b := append([]byte(summaryMagic), make([]byte, 4+sha256.Size)...)
	b = appendUvarints(b, uint64(x.size), uint64(x.changed), uint64(x.lines), x.firstSeq, x.lastSeq, uint64(x.from), uint64(x.to))
	var lists []byte
	for k, entries := range x.entries {
		partial := uint64(0)
		if x.partial[k] {
			partial = 1
		}
		b = appendUvarints(b, partial, uint64(len(entries)))
		for _, value := range slices.Sorted(maps.Keys(entries)) {
			e := entries[value]
			b = append(appendUvarints(b, uint64(len(value))), value...)
			b = appendUvarints(b, uint64(e.count), uint64(len(e.lines)))
			lists = append(lists, e.lines...)
		}
	}
	b = append(appendUvarints(b, uint64(len(x.places))), x.places...)
	b = append(b, lists...)
	if mac != nil {
		copy(b[len(summaryMagic)+4:], mac(b[summaryHead:]))
	}
	return withSum(b)
}

// withSum fills the checksum in.
func withSum(b []byte) []byte {
	binary.BigEndian.PutUint32(b[len(summaryMagic):], crc32.Checksum(b[len(summaryMagic)+4:], castagnoli))
	return b
}

// decodeIndex reads a summary file. It takes memory in proportion to the file
// only, whatever the file says, and its lists are looked at when they are used.
func decodeIndex(b []byte) (*index, error) {
	head := len(summaryMagic) + 4
	if len(b) < summaryHead || string(b[:len(summaryMagic)]) != summaryMagic ||
		binary.BigEndian.Uint32(b[len(summaryMagic):]) != crc32.Checksum(b[head:], castagnoli) {
		return nil, errBadIndex
	}
	r := reader{b: b[summaryHead:]}
	x := &index{
		size: int64(r.number()), changed: int64(r.number()), lines: r.count(),
		firstSeq: r.number(), lastSeq: r.number(), from: int64(r.number()), to: int64(r.number()),
	}
	type part struct {
		kind int
		raw  string
		size int
	}
	var order []part
	for k := range x.entries {
		x.partial[k] = r.number() != 0
		n := r.count()
		if n > maxValues {
			return nil, errBadIndex
		}
		x.entries[k] = make(map[string]entry, n)
		for range n {
			p := part{kind: k, raw: string(r.bytes(r.count()))}
			x.entries[k][p.raw] = entry{count: r.count()}
			p.size = r.count()
			order = append(order, p)
		}
		if len(x.entries[k]) != n {
			return nil, errBadIndex
		}
	}
	x.places = r.bytes(r.count())
	for _, p := range order {
		e := x.entries[p.kind][p.raw]
		e.lines = r.bytes(p.size)
		if e.count > len(e.lines) {
			return nil, errBadIndex
		}
		x.entries[p.kind][p.raw] = e
	}
	if r.bad || len(r.b) > 0 || x.size < 0 || 2*x.lines > len(x.places) {
		return nil, errBadIndex
	}
	return x, nil
}

// reader takes a summary file apart. After the first thing that does not fit
// it is bad and gives nothing more.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || r.bad {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count is a number of things that each take at least a byte of the rest, or
// of what was before; so it is bounded by the file's size.
func (r *reader) count() int {
	n := r.number()
	if n > maxIndexed {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.b) || r.bad {
		r.bad = true
		return nil
	}
	part := r.b[:n:n]
	r.b = r.b[n:]
	return part
}

// numbers decodes a list of lines.
func (e entry) numbers() []uint32 {
	list := make([]uint32, 0, e.count)
	r, at := reader{b: e.lines}, uint64(0)
	for range e.count {
		at += r.number()
		if r.bad || at > maxIndexed {
			return list
		}
		list = append(list, uint32(at))
	}
	return list
}

// spot is where a line is in its segment.
type spot struct {
	offset int64
	length int
}

// spots decodes all the places.
func (x *index) spots() []spot {
	list := make([]spot, 0, x.lines)
	r, end := reader{b: x.places}, int64(0)
	for range x.lines {
		offset := end + int64(min(r.number(), maxIndexed))
		length := r.count()
		if r.bad || length > maxLine || offset+int64(length) > x.size {
			return list
		}
		list = append(list, spot{offset, length})
		end = offset + int64(length)
	}
	return list
}

// unquote reads a JSON string without its quotes.
func unquote(raw string) (string, bool) {
	var s string
	err := json.Unmarshal([]byte(`"`+raw+`"`), &s)
	return s, err == nil
}
