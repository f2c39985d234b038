package shape

// Parts of a set. When a part is full, all that is open is closed, the document
// is handed over, and the objects that were open are written again: with what
// they had before the list that is being parted.

// head is what an object repeats in every part.
type head struct {
	at    int // where its members end in out; -1 until a part was handed over
	extra int
	order int
}

// mostPart is how large a part may grow by lists that are not meant to be parted.
const mostPart = 8 << 20

// parts begins another part when the one that is being written has its items.
func (b *builder) parts(n *node) {
	full := n.part && b.count >= b.most
	if full || len(b.out) > b.repeated()+mostPart {
		b.split(n)
	}
	if n.counts {
		b.count++
	}
}

// strays begins another part where segments without a place have filled one: in a
// set without a grammar, that is all of them.
func (b *builder) strays() {
	if len(b.plan.nodes) > 0 {
		if len(b.top().extra) > mostPart {
			b.split(nil)
		}
		return
	}
	if b.count >= b.most {
		b.split(nil)
	}
	b.count++
}

// repeated is where what the part repeats ends.
func (b *builder) repeated() int { return max(b.stack[0].head.at, gap) }

// split hands over what was written so far. next is the node whose item comes,
// nil before a segment without a place.
func (b *builder) split(next *node) {
	if !b.splittable(next) {
		return
	}
	if l := b.top(); next != nil && next != l.run {
		b.endRun(l)
	}
	for i := range b.stack {
		if l := &b.stack[i]; l.head.at < 0 {
			l.head = head{at: len(b.out), order: len(l.order)}
			if i+1 < len(b.stack) || l.run != nil && !l.run.single {
				l.head.at = l.runAt
			}
			if next != nil {
				l.head.extra = len(l.extra)
			}
		}
	}
	b.part = max(b.part, 1)
	b.keep()
	for i := len(b.stack) - 1; i >= 0; i-- {
		if i+1 < len(b.stack) {
			b.closeObject()
		}
		// A copy: the objects themselves are written again.
		l := b.stack[i]
		b.endMembers(&l)
	}
	b.closeSet()
	if b.err = b.shaper.handOver(false); b.err != nil {
		return
	}
	b.part++
	b.count = 0
	b.again()
}

// splittable tells that all objects that are open can be closed and opened again:
// those of trees and with names cannot.
func (b *builder) splittable(next *node) bool {
	for i := range b.stack {
		if n := b.stack[i].node; b.stack[i].mute || n != nil && (n.tree != nil || n.as != nil) {
			return false
		}
	}
	run := b.top().run
	return run == nil || run.tree == nil || next != nil && next != run
}

// keep saves the heads, which are needed when the document is gone.
func (b *builder) keep() {
	b.swap = b.swap[:0]
	for i := range b.stack {
		l := &b.stack[i]
		b.swap = append(b.swap, b.out[l.start:l.head.at]...)
	}
}

// again writes the heads.
func (b *builder) again() {
	rest := b.swap
	b.out = append(b.out[:gap], '{')
	for i := range b.stack {
		l := &b.stack[i]
		if i > 0 {
			b.open(&b.stack[i-1], l.node)
		}
		n := l.head.at - l.start
		l.start = len(b.out)
		b.out = append(b.out, rest[:n]...)
		rest = rest[n:]
		l.head.at = len(b.out)
		l.order, l.extra = l.order[:l.head.order], l.extra[:l.head.extra]
		if l.run != nil && !l.run.single {
			l.run = nil
		}
		l.runAt = len(b.out)
	}
}

// open begins the item of a loop that was open in the part before.
func (b *builder) open(l *open, n *node) {
	b.out = append(b.out, n.open...)
	if !n.single {
		b.out = append(b.out, '{')
	}
	l.run = n
}
