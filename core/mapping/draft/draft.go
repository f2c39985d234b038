// Package draft begins a mapping: from two schemas it guesses by names and types
// which member of the source fills which member of the target. A draft is for a
// person who goes on from there, so every guess says that it is one.
package draft

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/specification"
)

// Request is what a draft is made of.
type Request struct {
	Name string
	// SourceHead and TargetHead stand in the file behind `source:` and `target:`.
	SourceHead, TargetHead string
	// Entity is the canonical entity in lower case that the target is, or "".
	Entity         string
	Source, Target *specification.Member
}

// Write returns the text of a mapping file.
func Write(r Request) []byte {
	d := &drafter{Request: r, read: map[string]bool{}}
	d.object(r.Target, "", 1, d.scope(r.Source, "src", "src"))
	var b strings.Builder
	fmt.Fprintf(&b, "# A draft: every rule below is a guess by names and types. Look at each, take the\n# comment away, and run: crossdock map check\nmapping: %s\nversion: 0.1.0\nsource: %s\ntarget: %s\n", r.Name, r.SourceHead, r.TargetHead)
	if len(d.codes) > 0 {
		b.WriteString("\ncodelists:\n" + strings.Join(d.codes, ""))
	}
	b.WriteString("\nfields:\n" + d.out.String())
	if d.out.Len() == 0 {
		b.WriteString("  {}\n")
	}
	d.ignored(&b)
	return []byte(b.String())
}

type drafter struct {
	Request
	out   bytes.Buffer
	codes []string
	lists []string        // names of the code lists
	read  map[string]bool // paths of the source that a rule reads
	depth int             // of lists
	above []string        // words of the lists around the rule
}

// leaf is a member of the source that may fill a member of the target.
type leaf struct {
	expr, path string
	member     *specification.Member
	own, all   []string // words of its name, and with those above
	outer      bool     // it stands outside of the item
}

// list is a list of objects in the source.
type list struct {
	expr, path string
	member     *specification.Member
	own        []string
	used       bool
}

// scope is what rules can read at one place.
type scope struct {
	leaves []*leaf
	lists  []*list
	plain  []*leaf // lists of values
}

var readable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// maxDepth ends the walk through schemas that go on and on.
const maxDepth = 10

func (d *drafter) scope(m *specification.Member, expr, path string) *scope {
	s := &scope{}
	s.collect(m, expr, path, nil, 0)
	return s
}

func (s *scope) collect(m *specification.Member, expr, path string, above []string, depth int) {
	if m == nil || depth > maxDepth {
		return
	}
	for _, k := range m.Members {
		// What begins with _ is for machines.
		if !readable.MatchString(k.Name) || strings.HasPrefix(k.Name, "_") || slices.Contains([]string{"in", "true", "false", "null"}, k.Name) {
			continue
		}
		own := words(k.Name)
		all := append(slices.Clone(above), own...)
		e, p := expr+"."+k.Name, path+"."+k.Name
		switch {
		case k.Type == specification.TypeObject:
			s.collect(k, e, p, all, depth+1)
		case k.Type == specification.TypeList && k.Item != nil && k.Item.Type == specification.TypeObject:
			s.lists = append(s.lists, &list{expr: e, path: p, member: k, own: own})
		case k.Type == specification.TypeList:
			s.plain = append(s.plain, &leaf{expr: e, path: p, member: k, own: own, all: all})
		default:
			s.leaves = append(s.leaves, &leaf{expr: e, path: p, member: k, own: own, all: all})
		}
	}
}

// want is a member of the target that needs a value.
type want struct {
	member   *specification.Member
	path     string
	own, all []string
}

// wants lists the members below m that are values, not those in lists.
func wants(m *specification.Member, path string, above []string, depth int) []want {
	if m == nil || depth > maxDepth {
		return nil
	}
	var out []want
	for _, k := range m.Members {
		own := words(k.Name)
		all := append(slices.Clone(above), own...)
		p := path + "." + k.Name
		switch k.Type {
		case specification.TypeObject:
			out = append(out, wants(k, p, all, depth+1)...)
		case specification.TypeList:
		default:
			out = append(out, want{k, p, own, all})
		}
	}
	return out
}

// guess is a value for a member of the target.
type guess struct {
	from  *leaf
	score float64
}

// threshold is the score from which a guess is worth looking at.
const threshold = 0.6

// reuse is the score from which a required member takes what another one has.
const reuse = 0.8

// guesses pairs members of the target with those of the source, the best first.
// One that the target does not require takes only what no other has.
func (d *drafter) guesses(m *specification.Member, s *scope) map[string]guess {
	type pair struct {
		want want
		guess
	}
	var pairs []pair
	for _, w := range wants(m, "", d.above, 0) {
		if d.Entity != "" && w.member.Name == "id" && !w.member.Required {
			continue // a canonical id, which a source does not know
		}
		for _, l := range s.leaves {
			score := similarity(w, l)
			if d.depth == 0 && d.Entity != "" {
				// The document's number is that of the order, when the target is an order.
				score = max(score, documents*similarity(w.without(words(d.Entity)), l))
			}
			if score >= threshold {
				pairs = append(pairs, pair{w, guess{l, score}})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pair) int {
		switch {
		case a.score > b.score:
			return -1
		case a.score < b.score:
			return 1
		}
		return len(a.from.path) - len(b.from.path)
	})
	out, taken := map[string]guess{}, map[string]bool{}
	for _, again := range []bool{false, true} {
		for _, p := range pairs {
			if _, done := out[p.want.path]; done || taken[p.from.path] && (!again || !p.want.member.Required || p.score < reuse) {
				continue
			}
			out[p.want.path] = p.guess
			taken[p.from.path] = true
		}
	}
	return out
}

// documents is what the name of the whole document weighs less when it is left out.
const documents = 0.9

// without is the want with words left out of its name, if others remain.
func (w want) without(list []string) want {
	own := slices.DeleteFunc(slices.Clone(w.own), func(word string) bool { return slices.Contains(list, word) })
	if len(own) > 0 {
		w.all = append(slices.Clone(w.all[:len(w.all)-len(w.own)]), own...)
		w.own = own
	}
	return w
}

// object writes the rules for the members of an object.
func (d *drafter) object(m *specification.Member, at string, indent int, s *scope) {
	d.members(m, "", at, indent, s, d.guesses(m, s))
}

func (d *drafter) members(m *specification.Member, below, at string, indent int, s *scope, found map[string]guess) {
	if d.depth > maxDepth || m == nil {
		return
	}
	for _, k := range m.Members {
		path := below + "." + k.Name
		place := strings.TrimPrefix(at+"."+k.Name, ".")
		switch {
		case at == "" && d.convention(k, indent, s, found):
		case k.Type == specification.TypeObject && len(k.Members) > 0:
			if k.Required || worthIt(k, found, path) || holdsIdentifiers(k, s) {
				mark := d.out.Len()
				d.line(indent, key(k.Name), "")
				d.line(indent+1, "fields", "")
				before := d.out.Len()
				d.members(k, path, place, indent+2, s, found)
				if d.out.Len() == before {
					d.out.Truncate(mark)
					if k.Required {
						d.missing(indent, k.Name, false)
					}
				}
			}
		case k.Type == specification.TypeList:
			d.list(k, place, indent, s)
		default:
			g, ok := found[path]
			if ok {
				d.value(k, place, indent, g)
			} else if k.Const != "" && k.Required {
				d.line(indent, key(k.Name), "{const: "+quoted(k.Const)+"}")
			} else if len(k.Enum) == 1 && k.Required {
				d.line(indent, key(k.Name), "{const: "+quoted(k.Enum[0])+"}")
			} else if k.Required {
				d.missing(indent, k.Name, len(k.Enum) > 0, k.Enum...)
			}
		}
	}
}

// worthIt tells whether more of an optional object was found than it would lack.
func worthIt(k *specification.Member, found map[string]guess, path string) bool {
	n := 0
	for p := range found {
		if strings.HasPrefix(p, path+".") {
			n++
		}
	}
	for _, m := range k.Members {
		if _, ok := found[path+"."+m.Name]; !ok && m.Required && m.Const == "" && m.Type != specification.TypeList && m.Type != specification.TypeObject {
			n--
		}
	}
	return n > 0
}

func (d *drafter) line(indent int, key, value string) {
	d.out.WriteString(strings.Repeat("  ", indent) + key + ":")
	if value != "" {
		d.out.WriteString(" " + value)
	}
	d.out.WriteString("\n")
}

// missing writes an empty rule, which the check reports.
func (d *drafter) missing(indent int, name string, fixed bool, values ...string) {
	text := " # required: nothing in the source looks like it"
	if fixed {
		text += "; one of " + strings.Join(values, ", ")
	}
	d.line(indent, key(name), text)
}

func (d *drafter) use(l *leaf) { d.read[l.path] = true }

// value writes the rule of a guess, with what its type needs.
func (d *drafter) value(k *specification.Member, place string, indent int, g guess) {
	d.use(g.from)
	rule := d.conversion(k, place, g.from)
	d.line(indent, key(k.Name), fmt.Sprintf("%s  # guess: %.2f by name", rule, g.score))
}

// ignored lists what no rule reads, whole objects where nothing in them is read.
func (d *drafter) ignored(b *strings.Builder) {
	var paths []string
	var walk func(m *specification.Member, path string, depth int) bool
	walk = func(m *specification.Member, path string, depth int) bool {
		if m == nil || depth > maxDepth || d.read[path] {
			return d.read[path]
		}
		var unread []string
		any := false
		for _, k := range m.Members {
			p := path + "." + k.Name
			mark := len(paths)
			below := walk(k, p, depth+1)
			any = any || below
			if !below {
				paths = paths[:mark]
				unread = append(unread, p)
			}
		}
		if m.Item != nil {
			any = walk(m.Item, path+"[]", depth+1) || any
		}
		if any || path == "src" {
			paths = append(paths, unread...)
		}
		return any
	}
	walk(d.Source, "src", 0)
	if len(paths) == 0 {
		return
	}
	paths = fewer(paths)
	b.WriteString("\n# Nothing reads these yet. Take out what a rule should read.\nignore:\n")
	for _, p := range paths {
		fmt.Fprintf(b, "  - %s\n", quoted(p))
	}
}

// maxIgnored is how many lines people still read.
const maxIgnored = 40

// fewer names what is above instead of what is deep, where there is too much.
// Naming more than is unread does no harm.
func fewer(paths []string) []string {
	depth := func(p string) int { return strings.Count(p, ".") }
	for deepest := maxDepth; ; deepest-- {
		slices.Sort(paths)
		paths = slices.Compact(paths)
		const shallow = 2
		if len(paths) <= maxIgnored || deepest <= shallow {
			break
		}
		for i, p := range paths {
			if depth(p) >= deepest {
				paths[i] = strings.TrimSuffix(p[:strings.LastIndex(p, ".")], "[]")
			}
		}
	}
	var out []string
	for _, p := range paths {
		if n := len(out); n == 0 || !strings.HasPrefix(p, out[n-1]+".") && !strings.HasPrefix(p, out[n-1]+"[]") {
			out = append(out, p)
		}
	}
	return out
}

// key is a member's name as a key of YAML.
func key(name string) string {
	if readable.MatchString(name) && !slices.Contains(yamlWords, strings.ToLower(name)) {
		return name
	}
	return quoted(name)
}

var yamlWords = []string{"true", "false", "null", "yes", "no", "on", "off", "y", "n"}

var safe = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./\[\]-]*$`)

// quoted is a text as a value of YAML.
func quoted(s string) string {
	if safe.MatchString(s) && !slices.Contains(yamlWords, strings.ToLower(s)) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
