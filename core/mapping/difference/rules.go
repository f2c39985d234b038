package difference

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/specification"
)

// rules compares two rules for the same place and all below. at is that place,
// with the positions of entries: lines[].product.identifiers[0].
func (c *comparison) rules(old, changed *specification.Rule, at string) {
	if ds := details(parts(old), parts(changed)); len(ds) > 0 {
		c.out = append(c.out, Change{Section: SectionRules, Kind: Changed, Name: at, Details: ds, OldLine: old.Line, NewLine: changed.Line})
	}
	for _, n := range changed.Members {
		place := strings.TrimPrefix(below(changed, at)+"."+n.Key, ".")
		if i := named(old.Members, n.Key); i >= 0 {
			c.rules(old.Members[i], n, place)
		} else {
			c.whole(Added, n, place)
		}
	}
	for _, o := range old.Members {
		if named(changed.Members, o.Key) < 0 {
			c.whole(Removed, o, strings.TrimPrefix(below(old, at)+"."+o.Key, "."))
		}
	}
	c.entries(old, changed, at)
}

func named(rules []*specification.Rule, key string) int {
	return slices.IndexFunc(rules, func(r *specification.Rule) bool { return r.Key == key })
}

func below(r *specification.Rule, at string) string {
	if r.Each {
		return at + "[]"
	}
	return at
}

// parts are what a rule says, and for what has rules below what kind of rule it is.
func parts(r *specification.Rule) []specification.Part {
	out := r.Parts
	switch {
	case r.Target == "":
	case len(r.Members) > 0 && !r.Each:
		out = append(slices.Clone(out), said(specification.PartValue, "an object of rules"))
	case len(r.Entries) > 0 && !r.Each:
		out = append(slices.Clone(out), said(specification.PartValue, "a list of rules"))
	}
	return out
}

// whole tells of a rule that is in one version only, and of all below.
func (c *comparison) whole(kind Kind, r *specification.Rule, at string) {
	if len(r.Parts) > 0 || len(r.Members)+len(r.Entries) == 0 {
		ch := Change{Section: SectionRules, Kind: kind, Name: at}
		if kind == Added {
			ch.Details, ch.NewLine = details(nil, r.Parts), r.Line
		} else {
			ch.Details, ch.OldLine = details(r.Parts, nil), r.Line
		}
		c.out = append(c.out, ch)
	}
	for _, m := range r.Members {
		c.whole(kind, m, strings.TrimPrefix(below(r, at)+"."+m.Key, "."))
	}
	for i, e := range r.Entries {
		c.whole(kind, e, fmt.Sprintf("%s[%d]", at, i))
	}
}

// meaning is what a rule and all below it say, to find the same rule again.
func meaning(r *specification.Rule) string {
	var b strings.Builder
	for _, p := range r.Parts {
		fmt.Fprintf(&b, "%s=%q;", p.Name, p.Same)
	}
	members := slices.Clone(r.Members)
	slices.SortFunc(members, func(a, b *specification.Rule) int { return strings.Compare(a.Key, b.Key) })
	for _, m := range members {
		fmt.Fprintf(&b, "%s{%s}", m.Key, meaning(m))
	}
	for _, e := range r.Entries {
		fmt.Fprintf(&b, "[%s]", meaning(e))
	}
	return b.String()
}

// entries compares lists that are written out. Entries that say the same belong
// together; what is left between them is paired in order.
func (c *comparison) entries(oldRule, newRule *specification.Rule, at string) {
	old, changed := oldRule.Entries, newRule.Entries
	mine, theirs := make([]string, len(old)), make([]string, len(changed))
	for i, e := range old {
		mine[i] = meaning(e)
	}
	for i, e := range changed {
		theirs[i] = meaning(e)
	}
	anchors := common(mine, theirs)
	kept := map[int]bool{}
	for _, a := range anchors {
		kept[a[1]] = true
	}
	// An entry that says the same elsewhere was moved.
	movedOld, movedNew := map[int]bool{}, map[int]bool{}
	for j, t := range theirs {
		if kept[j] {
			continue
		}
		for i, m := range mine {
			if m == t && !movedOld[i] && !slices.ContainsFunc(anchors, func(a [2]int) bool { return a[0] == i }) {
				movedOld[i], movedNew[j] = true, true
				c.out = append(c.out, Change{
					Section: SectionRules, Kind: Moved, Name: fmt.Sprintf("%s[%d]", at, j), OldLine: old[i].Line, NewLine: changed[j].Line,
					Details: []Detail{{"position", fmt.Sprint(i), fmt.Sprint(j)}},
				})
				break
			}
		}
	}
	i, j := 0, 0
	for _, a := range append(anchors, [2]int{len(old), len(changed)}) {
		var left, right []int
		for ; i < a[0]; i++ {
			if !movedOld[i] {
				left = append(left, i)
			}
		}
		for ; j < a[1]; j++ {
			if !movedNew[j] {
				right = append(right, j)
			}
		}
		for k := range max(len(left), len(right)) {
			switch {
			case k >= len(left):
				c.whole(Added, changed[right[k]], fmt.Sprintf("%s[%d]", at, right[k]))
			case k >= len(right):
				c.whole(Removed, old[left[k]], fmt.Sprintf("%s[%d]", at, left[k]))
			default:
				c.rules(old[left[k]], changed[right[k]], fmt.Sprintf("%s[%d]", at, right[k]))
			}
		}
		i, j = a[0]+1, a[1]+1
	}
}

// common returns the positions of a longest common part of two lists.
func common(a, b []string) [][2]int {
	longest := make([][]int, len(a)+1)
	for i := range longest {
		longest[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	var out [][2]int
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			out = append(out, [2]int{i, j})
			i, j = i+1, j+1
		case longest[i+1][j] >= longest[i][j+1]:
			i++
		default:
			j++
		}
	}
	return out
}
