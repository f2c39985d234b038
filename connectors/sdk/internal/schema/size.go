package schema

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

const bytesPattern = `^[0-9]+(\.[0-9]+)? ?([kKMGT]i?)?B?$`

// ParseSize reads a size: "512", "64KiB", "16 MiB", "2GB". Units with an i are
// powers of 1024, the others powers of 1000.
func ParseSize(text string) (int64, error) {
	t := strings.TrimSpace(text)
	i := 0
	for i < len(t) && (t[i] >= '0' && t[i] <= '9' || t[i] == '.') {
		i++
	}
	f, err := strconv.ParseFloat(t[:i], 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a size; write a number and a unit, as in 16MiB", text)
	}
	unit := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(t[i:])), "b")
	factor, ok := map[string]float64{
		"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12,
		"ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40,
	}[unit]
	if !ok {
		return 0, fmt.Errorf("%q has no known unit; use B, KB, MB, GB, KiB, MiB or GiB", text)
	}
	if f*factor >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is larger than any size", text)
	}
	return int64(f * factor), nil
}
