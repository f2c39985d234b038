package engine

import "golang.org/x/sys/windows"

// diskFree returns how many bytes this user may still write to the disk that holds dir; ok is false when the system
// does not say.
func diskFree(dir string) (free int64, ok bool) {
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return 0, false
	}
	var available uint64
	if err := windows.GetDiskFreeSpaceEx(path, &available, nil, nil); err != nil {
		return 0, false
	}
	return int64(available), true
}
