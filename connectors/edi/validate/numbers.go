package validate

import (
	"hash/maphash"
	"math"
	"strconv"
	"strings"
)

// numbers remembers identifiers to notice one that comes again: control numbers,
// the numbers of HL segments. Those that count up, as nearly all do, are kept as
// ranges; of others a hash of 64 bits is kept, up to a limit. A file of a million
// sets costs no more than one of ten.
type numbers struct {
	runs   [8]run
	used   int
	seed   maphash.Seed
	hashes []uint64 // open addressing, 0 is empty
	n      int
}

// maxHashes is how many identifiers that do not count up are remembered; one that
// comes again after so many others is not noticed.
const maxHashes = 1 << 17

// run is a range of identifiers: a prefix, and numbers with leading zeros up to a
// width.
type run struct {
	prefix      string
	width       int
	first, last uint64
}

// full tells that not everything was remembered.
func (s *numbers) full() bool { return s.n >= maxHashes }

// reset forgets everything. A large table is given back: emptying it for every
// group of a file would take longer than reading the file.
func (s *numbers) reset() {
	const small = 1 << 8
	if len(s.hashes) > small {
		s.hashes = nil
	} else if s.n > 0 {
		clear(s.hashes)
	}
	s.used, s.n = 0, 0
}

// split takes an identifier apart.
func split(id []byte) (prefix []byte, n uint64, width int, ok bool) {
	const longest, prefixes = 18, 32
	at := len(id)
	for at > 0 && len(id)-at < longest && id[at-1] >= '0' && id[at-1] <= '9' {
		at--
	}
	for _, c := range id[at:] {
		n = n*10 + uint64(c-'0')
	}
	return id[:at], n, len(id) - at, at < len(id) && at <= prefixes
}

// digitsOf counts the digits of a number.
func digitsOf(n uint64) int {
	d := 1
	for ; n > 9; n /= 10 {
		d++
	}
	return d
}

// fits tells whether an identifier would be written so in the run.
func (r *run) fits(prefix []byte, n uint64, width int) bool {
	return r.prefix == string(prefix) && width == max(r.width, digitsOf(n))
}

// has tells whether an identifier was added.
func (s *numbers) has(id []byte) bool {
	if prefix, n, width, ok := split(id); ok {
		for i := range s.used {
			if r := &s.runs[i]; n >= r.first && n <= r.last && r.fits(prefix, n, width) {
				return true
			}
		}
	}
	return s.n > 0 && s.find(s.hash(id)) < 0
}

// add remembers an identifier, and tells whether it is new.
func (s *numbers) add(id []byte) bool {
	if s.has(id) {
		return false
	}
	prefix, n, width, ok := split(id)
	if !ok {
		s.insert(id)
		return true
	}
	for i := range s.used {
		if r := &s.runs[i]; r.last != math.MaxUint64 && n == r.last+1 && r.fits(prefix, n, width) {
			r.last = n
			return true
		}
	}
	// Another range begins, in place of one that never grew.
	at := s.used
	if at == len(s.runs) {
		for at = 0; at < len(s.runs) && s.runs[at].first != s.runs[at].last; at++ {
		}
		if at == len(s.runs) {
			s.insert(id)
			return true
		}
		s.insert(s.runs[at].id())
	} else {
		s.used++
	}
	s.runs[at] = run{prefix: string(prefix), width: width, first: n, last: n}
	return true
}

// id is the first of a run as it was written.
func (r *run) id() []byte {
	digits := strconv.FormatUint(r.first, 10)
	return []byte(r.prefix + strings.Repeat("0", max(0, r.width-len(digits))) + digits)
}

func (s *numbers) hash(id []byte) uint64 {
	if s.seed == (maphash.Seed{}) {
		s.seed = maphash.MakeSeed() // so that nobody can prepare collisions
	}
	return max(maphash.Bytes(s.seed, id), 1)
}

// find returns where a hash would be put, -1 when it is there.
func (s *numbers) find(h uint64) int {
	mask := uint64(len(s.hashes) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch s.hashes[i] {
		case 0:
			return int(i)
		case h:
			return -1
		}
	}
}

func (s *numbers) insert(id []byte) {
	if s.full() {
		return
	}
	if 2*(s.n+1) > len(s.hashes) {
		old := s.hashes
		s.hashes = make([]uint64, max(16, 2*len(old)))
		for _, h := range old {
			if h != 0 {
				s.hashes[s.find(h)] = h
			}
		}
	}
	if i := s.find(s.hash(id)); i >= 0 {
		s.hashes[i] = s.hash(id)
		s.n++
	}
}
