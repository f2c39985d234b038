package grammar

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// rawDictionary is a version before its references are resolved.
type rawDictionary struct {
	elements   map[string]*Element
	composites map[string]rawComposite
	segments   map[string]rawSegment
}

type rawComposite struct {
	file       string
	name       string
	components []rawPosition
}

type rawSegment struct {
	file     string
	at       *yaml.Node
	name     string
	elements []rawPosition
	rules    []*yaml.Node
}

// maxExtends ends versions that extend each other.
const maxExtends = 8

func (l *Library) readDictionary(std syntax.Standard, release string, depth int) (*rawDictionary, error) {
	id := folder(std) + "/" + release
	if r := l.raw[id]; r != nil {
		return r, nil
	}
	if depth > maxExtends {
		return nil, fmt.Errorf("%s: the versions extend each other", id)
	}
	out := &rawDictionary{elements: map[string]*Element{}, composites: map[string]rawComposite{}, segments: map[string]rawSegment{}}
	found := false
	var all []error
	for _, name := range []string{"elements.yaml", "segments.yaml"} {
		p := &problems{file: path.Join(id, name)}
		root, err := readYAML(l.fsys, p.file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = true
		p.only(root, "a dictionary", "standard", "version", "extends", "elements", "composites", "segments")
		if base := text(root, "extends"); base != "" {
			r, err := l.readDictionary(std, base, depth+1)
			if err != nil {
				return nil, err
			}
			out.inherit(r)
		}
		out.read(p, root)
		all = append(all, p.err())
	}
	if !found {
		return nil, fmt.Errorf("%w for %s %s", ErrUnknown, std, release)
	}
	if err := errors.Join(all...); err != nil {
		return nil, err
	}
	l.raw[id] = out
	return out, nil
}

// inherit takes over what is not there yet.
func (d *rawDictionary) inherit(base *rawDictionary) {
	merged := &rawDictionary{elements: maps.Clone(base.elements), composites: maps.Clone(base.composites), segments: maps.Clone(base.segments)}
	maps.Copy(merged.elements, d.elements)
	maps.Copy(merged.composites, d.composites)
	maps.Copy(merged.segments, d.segments)
	*d = *merged
}

func (d *rawDictionary) read(p *problems, root *yaml.Node) {
	pairs(child(root, "elements"), func(k, v *yaml.Node) { d.elements[k.Value] = p.element(k.Value, v) })
	pairs(child(root, "composites"), func(k, v *yaml.Node) {
		p.only(v, "the composite "+k.Value, "name", "elements")
		d.composites[k.Value] = rawComposite{file: p.file, name: text(v, "name"), components: p.positions(child(v, "elements"), k.Value)}
	})
	pairs(child(root, "segments"), func(k, v *yaml.Node) {
		p.only(v, "the segment "+k.Value, "name", "elements", "rules")
		s := rawSegment{file: p.file, at: k, name: text(v, "name"), elements: p.positions(child(v, "elements"), k.Value)}
		if rules := child(v, "rules"); rules != nil {
			s.rules = rules.Content
		}
		if syntax.KeyOf(k.Value) == 0 {
			p.at(k, "%q cannot be a segment's tag", k.Value)
		}
		d.segments[k.Value] = s
	})
}

func (l *Library) compileDictionary(std syntax.Standard, release string) (*Dictionary, error) {
	raw, err := l.readDictionary(std, release, 0)
	if err != nil {
		return nil, err
	}
	d := &Dictionary{Standard: std, Version: release, Elements: raw.elements, Segments: map[syntax.Key]*Segment{}}
	composites := map[string]*Composite{}
	var all []error
	for id, c := range raw.composites {
		p := &problems{file: c.file}
		composites[id] = &Composite{ID: id, Name: c.name, Components: p.resolve(c.components, raw, nil)}
		all = append(all, p.err())
	}
	for tag, s := range raw.segments {
		p := &problems{file: s.file}
		seg := &Segment{Tag: tag, Key: syntax.KeyOf(tag), Name: s.name, Elements: p.resolve(s.elements, raw, composites)}
		for _, n := range s.rules {
			if r, ok := p.rule(n, len(seg.Elements)); ok {
				seg.Rules = append(seg.Rules, r)
			}
		}
		p.unique(s.at, seg)
		pairUp(seg.Elements)
		for i := range seg.Elements {
			if seg.Elements[i].Mandatory {
				seg.Needed = i + 1
			}
		}
		seg.plan = planned(seg)
		d.Segments[seg.Key] = seg
		all = append(all, p.err())
	}
	return d, errors.Join(all...)
}

// resolve finds what positions refer to. composites is nil inside of composites,
// which do not nest.
func (p *problems) resolve(in []rawPosition, raw *rawDictionary, composites map[string]*Composite) []Position {
	out := make([]Position, 0, len(in))
	for _, r := range in {
		pos := Position{Name: r.name, Mandatory: r.mandatory, Repeat: r.repeat}
		switch {
		case raw.elements[r.ref] != nil:
			pos.Element = raw.elements[r.ref]
			if pos.Name == "" {
				pos.Name = pos.Element.Name
			}
		case composites[r.ref] != nil:
			pos.Composite = composites[r.ref]
			if pos.Name == "" {
				pos.Name = pos.Composite.Name
			}
		default:
			p.at(r.at, "there is no element or composite %q", r.ref)
			pos.Element, pos.Name = &Element{ID: r.ref, Max: Unlimited}, r.ref
		}
		out = append(out, pos)
	}
	return out
}

// pairOf recognises qualifiers that come several times: product_qualifier_1.
var pairOf = regexp.MustCompile(`^(.*?)_?qualifier_[0-9]+$`)

// pairUp marks the qualifiers whose identifier follows.
func pairUp(elements []Position) {
	for i := range elements[:max(0, len(elements)-1)] {
		q, id := &elements[i], &elements[i+1]
		m := pairOf.FindStringSubmatch(q.Name)
		q.Pair = m != nil && q.Element != nil && strings.HasPrefix(id.Name, m[1]) && strings.Contains(id.Name, "id_")
	}
}

func (p *problems) unique(at *yaml.Node, s *Segment) {
	seen := map[string]bool{}
	for _, e := range s.Elements {
		if e.Name == "" {
			p.at(at, "%s: the element %s has no name", s.Tag, e.Reference())
		} else if seen[e.Name] {
			p.at(at, "%s: two elements are called %q", s.Tag, e.Name)
		}
		seen[e.Name] = true
	}
}

func (l *Library) compileSet(std syntax.Standard, release, id string) (*Set, error) {
	file := path.Join(folder(std), release, setFolder(std), id+".yaml")
	root, err := readYAML(l.fsys, file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w for %s %s of %s", ErrUnknown, std, id, release)
	}
	if err != nil {
		return nil, err
	}
	d, err := l.dictionary(std, release)
	if err != nil {
		return nil, err
	}
	s := &Set{Dictionary: d, ID: id, tags: map[syntax.Key]bool{}}
	p := &problems{file: file, lines: map[*Node]*yaml.Node{}, told: map[string]*yaml.Node{}}
	var keyAt *yaml.Node
	var keyFile string
	for depth := 0; ; depth++ {
		p.only(root, "a set", "standard", "version", "extends", "set", "message", "group", "name", "key", "body")
		if s.Group == "" {
			s.Group = text(root, "group")
		}
		if s.Name == "" {
			s.Name = text(root, "name")
		}
		if keyAt == nil {
			keyAt, keyFile = child(root, "key"), p.file
		}
		if body := child(root, "body"); body != nil {
			s.Body = p.body(s, body)
			p.members(body, s.Body, s.Body)
			break
		}
		base := text(root, "extends")
		if base == "" || depth > maxExtends {
			p.at(root, "a set needs a body, or extends that of another version")
			break
		}
		p.file = path.Join(folder(std), base, setFolder(std), id+".yaml")
		if root, err = readYAML(l.fsys, p.file); err != nil {
			return nil, err
		}
	}
	if s.Name == "" {
		p.at(root, "a set needs a name")
	}
	if keyAt != nil {
		p.file = keyFile
		p.key(s, keyAt)
	}
	p.prepare(s, root)
	return s, p.err()
}
