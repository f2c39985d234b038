package syntax

import "bytes"

// inTag are the characters of tags.
var inTag = func() (t [256]bool) {
	for i := range t {
		t[i] = i >= '0' && i <= '9' || i >= 'A' && i <= 'Z'
	}
	return t
}()

// name finds the tag.
func (s *Segment) name(std Standard) {
	s.tag = s.ends[0]
	if std != X12 {
		s.cutTag(std)
	}
	tag := s.data[s.start:s.tag]
	switch len(tag) {
	case 3:
		s.Key = Key(tag[0])<<16 | Key(tag[1])<<8 | Key(tag[2])
		if !inTag[tag[0]] || !inTag[tag[1]] || !inTag[tag[2]] {
			s.Key = 0
		}
	case 2:
		s.Key = Key(tag[0])<<8 | Key(tag[1])
		if !inTag[tag[0]] || !inTag[tag[1]] {
			s.Key = 0
		}
	default:
		s.Key = KeyOf(tag)
		for _, c := range tag {
			if !inTag[c] {
				s.Key = 0
			}
		}
	}
}

// cutTag ends tags where X12 does not: in TRADACOMS at an equals sign, which is
// like the separator of the first element, and in EDIFACT before the explicit
// indication of repetition (ISO 9735, 8.1): DTM:1:2 is tag and place.
func (s *Segment) cutTag(std Standard) {
	if std == EDIFACT {
		if i := bytes.IndexByte(s.data[s.start:s.tag], s.d.Component); i > 0 {
			s.tag = s.start + uint32(i)
		}
		return
	}
	i := bytes.IndexByte(s.Raw(), '=')
	if i < 0 {
		return
	}
	s.tag = s.start + uint32(i)
	// Separators before it belong to the tag.
	behind := 0
	for behind < len(s.ends)-1 && s.ends[behind] < s.tag {
		behind++
	}
	if behind > 0 {
		s.ends = s.ends[behind-1:]
		s.ends[0] = s.tag
		return
	}
	// The list of ends is that of the index: the one before is used up.
	s.room = append(append(s.room[:0], s.tag), s.ends...)
	s.ends = s.room
}
