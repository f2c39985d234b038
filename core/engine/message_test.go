package engine

import (
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
)

func TestSubjectToken(t *testing.T) {
	long := strings.Repeat("x", 200)
	for in, want := range map[string]string{
		"":          "_",
		"_":         "%5F",
		"4711":      "4711",
		"a.b c":     "a%2Eb%20c",
		"*>":        "%2A%3E",
		"Größe":     "Gr%C3%B6%C3%9Fe",
		"a\nb":      "a%0Ab",
		"100%":      "100%25",
		"A-1_b":     "A-1_b",
		long + "y":  "",
		long + "\n": "",
	} {
		got := SubjectToken(in)
		if want != "" && got != want {
			t.Errorf("SubjectToken(%q) = %q, want %q", in, got, want)
		}
		if len(got) > maxTokenBytes {
			t.Errorf("SubjectToken(%q) has %d bytes, want at most %d", in, len(got), maxTokenBytes)
		}
		if strings.ContainsAny(got, ". *>\r\n\t") {
			t.Errorf("SubjectToken(%q) = %q is no subject token", in, got)
		}
	}
	if SubjectToken(long+"y") == SubjectToken(long+"z") {
		t.Error("two long keys with a common prefix have the same token")
	}
}

func TestBusinessKeys(t *testing.T) {
	got := BusinessKeys(message.Metadata{MetaKey: "4711", "key.order": "4711", "key.customer.name": "Acme", "key.": "x", "monkey.a": "b"})
	if want := map[string]string{"order": "4711", "customer.name": "Acme"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := BusinessKeys(message.Metadata{MetaKey: "4711"}); got != nil {
		t.Errorf("got %v of a message without business keys", got)
	}
}

func TestPartitionOf(t *testing.T) {
	// The values are part of stored subjects: a change would send a key's messages to another lane.
	for key, want := range map[string]int{"": 5, "4711": 2, "gtin:04006381333931": 15, "Größe": 10} {
		if got := PartitionOf(key); got != want {
			t.Errorf("PartitionOf(%q) = %d, want %d", key, got, want)
		}
	}
	seen := map[int]bool{}
	for i := range 1000 {
		seen[PartitionOf(strconv.Itoa(i))] = true
	}
	if len(seen) != Partitions {
		t.Errorf("1000 keys fall into %d partitions, want %d", len(seen), Partitions)
	}
}

var metadataCases = map[string]map[string]string{
	"none":            {},
	"usual":           {MetaKey: "4711", MetaBusinessPrefix + "order": "4711", MetaTrace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
	"line breaks":     {"note": "first\r\nsecond\n", "a\nb": "x"},
	"outer spaces":    {"note": "  padded  ", " name ": " ", "tab": "\tx\t"},
	"UTF-8":           {"Größe": "größer als 5 €", "名": "名前"},
	"invalid UTF-8":   {"raw": "\xff\xfe\x00"},
	"separators":      {"a:b.c/d": "x: y", "": "empty name", "empty": ""},
	"percent":         {"100%": "50%", "%41": "%zz%4"},
	"server headers":  {"Nats-Rollup": "all", "nats-msg-id": "other", "Nats-Expected-Last-Sequence": "7", "NATS-TTL": "1s"},
	"inner uppercase": {"X-Request-Id": "1", "x-request-id": "2"},
}

func TestMetadataSurvivesTheServer(t *testing.T) {
	e := open(t, Options{})
	ch, err := e.Subscriber(SubscriberOptions{Durable: "a lane/with.odd name"}).Subscribe(t.Context(), "canonical.order")
	if err != nil {
		t.Fatal(err)
	}
	for name, metadata := range metadataCases {
		t.Run(name, func(t *testing.T) {
			m := message.NewMessage("shop.orders/"+name+"\n#1", []byte("{}"))
			maps.Copy(m.Metadata, metadata)
			publish(t, e, "canonical.order.placed", m)
			got := receive(t, ch)
			defer got.Ack()
			if got.UUID != m.UUID {
				t.Errorf("id %q, want %q", got.UUID, m.UUID)
			}
			if !maps.Equal(got.Metadata, m.Metadata) {
				t.Errorf("metadata %q, want %q", got.Metadata, m.Metadata)
			}
		})
	}
}

func FuzzEncoding(f *testing.F) {
	for _, metadata := range metadataCases {
		for name, value := range metadata {
			f.Add("id", name, value)
		}
	}
	f.Fuzz(func(t *testing.T, id, name, value string) {
		m := message.NewMessage(id, nil)
		m.Metadata[name] = value
		encoded, err := encode("canonical.x", m)
		if err != nil {
			return
		}
		for header, values := range encoded.Header {
			for _, s := range append([]string{header}, values...) {
				if strings.ContainsAny(s, "\r\n\x00") || strings.TrimSpace(s) != s {
					t.Fatalf("header %q: %q does not survive as a line", header, s)
				}
			}
			if header == "" || strings.ContainsAny(header, "\"()/,:;<=>?@[\\]{} ") {
				t.Fatalf("header name %q is refused by NATS clients", header)
			}
			if header != nats.MsgIdHdr && strings.HasPrefix(strings.ToLower(header), "nats-") {
				t.Fatalf("metadata %q reaches the server as header %q", name, header)
			}
		}
		back := decode(encoded.Header, nil)
		if back.UUID != id || back.Metadata[name] != value || len(back.Metadata) != 1 {
			t.Fatalf("id %q %q=%q came back as %q %q", id, name, value, back.UUID, back.Metadata)
		}
	})
}
