package audit

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"os"

	"github.com/stagedoor-app/stagedoor/auth/durable"
)

// summaryMAC returns what makes the MAC of the summary of a segment that ends
// with that link. It binds what the summary says to the lines themselves.
func summaryMAC(key, link []byte) func(body []byte) []byte {
	derive := hmac.New(sha256.New, key)
	derive.Write([]byte("stagedoor summary"))
	own := derive.Sum(nil)
	return func(body []byte) []byte {
		m := hmac.New(sha256.New, own)
		m.Write(link)
		m.Write(body)
		return m.Sum(nil)
	}
}

// checkSummaries looks whether the summaries of closed segments say what the
// lines say, which were found sound, and replaces those that do not. One with
// the right MAC was made from these very lines. One without was made by a
// query, which has no key: it is made again and compared.
func (v *verification) checkSummaries(ctx context.Context, scans []scan) {
	for i, s := range scans[:max(len(scans)-1, 0)] {
		if i >= v.sound || !s.sound || v.list[i].size < minIndexed || ctx.Err() != nil {
			continue
		}
		path := summaryPath(v.list[i].path)
		data, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue // made when it is needed
		}
		mac := summaryMAC(v.key, s.end.link)
		if err == nil && len(data) > summaryHead && hmac.Equal(mac(data[summaryHead:]), data[len(summaryMagic)+4:summaryHead]) {
			continue
		}
		x, err := buildIndex(ctx, v.list[i].segment)
		if err != nil {
			continue
		}
		right := x.encode(mac)
		if len(data) < summaryHead || !bytes.Equal(right[summaryHead:], data[summaryHead:]) {
			v.report.Summaries++
		}
		_ = durable.WriteFile(path, right, durable.FileMode)
	}
}
