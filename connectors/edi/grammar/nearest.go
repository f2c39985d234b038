package grammar

import "strings"

// didYouMean is a question about the known name that is most like the one found,
// empty when none is.
func didYouMean(got string, known []string) string {
	best, bestAt := "", 3
	for _, k := range known {
		if strings.EqualFold(k, got) {
			return " Did you mean " + k + "?"
		}
		if d := distance(strings.ToLower(got), strings.ToLower(k)); d < bestAt && d < len(k) {
			best, bestAt = k, d
		}
	}
	if best == "" {
		return ""
	}
	return " Did you mean " + best + "?"
}

// distance is how many letters must be changed to make a into b; long names are
// as far apart as can be.
func distance(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return longest
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			left, row[j+1] = row[j+1], min(left+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
