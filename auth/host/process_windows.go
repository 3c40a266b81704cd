package host

import (
	"context"
	"errors"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

func processes(ctx context.Context) (list []Process, err error) {
	all, err := windows.CreateToolhelp32Snapshot(windows.TH32CS_SNAPPROCESS, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = windows.CloseHandle(all) }()
	entry := windows.ProcessEntry32{Size: uint32(unsafe.Sizeof(windows.ProcessEntry32{}))}
	for err = windows.Process32First(all, &entry); err == nil; err = windows.Process32Next(all, &entry) {
		if ctx.Err() != nil {
			return list, ctx.Err()
		}
		if path, began := programOf(entry.ProcessID); path != "" && began != 0 {
			list = append(list, Process{path, time.Unix(0, (began-since1601)*100)})
		}
	}
	if errors.Is(err, windows.ERROR_NO_MORE_FILES) {
		err = nil
	}
	return list, err
}

// since1601 is the beginning of Unix time, in units of 100 ns since 1601.
const since1601 = 116444736000000000

// programOf is the path of a process's program, and when it began; "" where that is not
// for us to know.
func programOf(pid uint32) (path string, began int64) {
	p, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, pid)
	if err != nil {
		return "", 0
	}
	defer func() { _ = windows.CloseHandle(p) }()
	text := make([]uint16, windows.MAX_LONG_PATH)
	size := uint32(windows.MAX_LONG_PATH)
	if windows.QueryFullProcessImageName(p, 0, &text[0], &size) != nil {
		return "", 0
	}
	return windows.UTF16ToString(text[:size]), begun(p)
}
