// Package edi is the connector for EDI partners: ANSI X12 over SFTP or a folder.
//
// A source takes the partner's files (see connectors/filedrop for how nothing
// is lost or taken twice), checks every interchange, group and set, and hands
// each good set over as one record of named JSON. After the core made them
// durable it writes a 997 functional acknowledgement into the partner's folder
// and archives the file. A bad set becomes a dead letter and is rejected in the
// 997; its neighbours are not affected.
//
// A sink writes 846 and 855 documents, one interchange each, with a control
// number from a durable, gap-free sequence that is bound to the message: the
// same message written again has the same number and the same file name.
//
// Partner agreements are files under partners/, see README.md.
package edi

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/x12"
	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// Config is the configuration of an EDI connection and its endpoints.
type Config struct {
	filedrop.Location

	Partner Partner `json:"partner" doc:"The trading partner: write partner: <id> in the connection to use partners/<id>.yaml" required:"true"`

	Folder    string        `json:"folder" doc:"Folder that the partner's files are taken from, or that documents for the partner are written to" required:"true" role:"source,sink"`
	Match     []string      `json:"match" doc:"File name patterns that are taken; default every file" role:"source"`
	StableFor time.Duration `json:"stableFor" doc:"How long a file must not change before it is taken" default:"5s" role:"source"`
	Every     time.Duration `json:"every" doc:"Time between two looks at the folder" default:"10s" role:"source"`
	AckFolder string        `json:"ackFolder" doc:"Folder that 997 acknowledgements are written to; empty for none" role:"source"`
	MaxSize   int64         `json:"maxSize" doc:"Largest file taken, in bytes" default:"67108864" role:"source"`
}

// Partner is a file under partners/: who is who and what was agreed.
type Partner struct {
	ID          string            `json:"partner" doc:"Name of the partner in this project"`
	Name        string            `json:"name" doc:"Name of the company"`
	Description string            `json:"description" doc:"For people"`
	Contact     map[string]string `json:"contact" doc:"Whom to ask: name, email, phone"`
	Theirs      Identity          `json:"theirs" doc:"The partner's interchange identifier" required:"true"`
	Ours        Identity          `json:"ours" doc:"Our interchange identifier towards this partner" required:"true"`
	Usage       string            `json:"usage" doc:"P production, T test or I information: what we send and, when strict, accept" enum:"P,T,I" default:"P"`
	Newline     bool              `json:"newline" doc:"End every segment with a line feed after its terminator"`
}

// Identity is an interchange identifier with its qualifier (ISA05 and ISA06).
type Identity struct {
	Qualifier string `json:"qualifier" doc:"ISA05 or ISA07: 01 DUNS, 08 UCC, 12 telephone, ZZ mutually defined" required:"true"`
	ID        string `json:"id" doc:"ISA06 or ISA08, 15 characters at most" required:"true"`
	Group     string `json:"group" doc:"GS02 or GS03 when it is not the interchange identifier"`
}

// Connector returns the EDI connector.
func Connector() sdk.Plugin {
	return sdk.Connector[Config]{
		Spec: sdk.Spec{
			Name: "edi", Version: "1.0.0", Vendor: "Crossdock", License: "Apache-2.0",
			Summary:  "ANSI X12 004010 over SFTP or folders: reads 846, 850, 855, 997, answers with 997, writes 846 and 855",
			Effect:   "interchange control number bound to the message id, deterministic file name, temporary name then rename",
			Entities: entities(),
		},
		Defaults: Config{
			StableFor: 5 * time.Second, Every: 10 * time.Second, MaxSize: x12.MaxSize,
			Location: filedrop.Location{Transport: filedrop.TransportSFTP, Port: 22, Timeout: 30 * time.Second, KeepAlive: 15 * time.Second},
		},
		Validate: validate,
		Source: func(ctx context.Context, cfg Config, _ []byte, env sdk.Env) (sdk.Source, error) {
			return newSource(ctx, cfg, env)
		},
		Sink: func(_ context.Context, cfg Config, env sdk.Env) (sdk.Sink, error) {
			return newSink(cfg, env)
		},
	}
}

func entities() []sdk.Entity {
	return []sdk.Entity{
		{Name: "x12.850", Directions: []string{"source"}, Keys: []string{"/purchase_order/number"}},
		{Name: "x12.846", Directions: []string{"source", "sink"}},
		{Name: "x12.855", Directions: []string{"source", "sink"}, Keys: []string{"/order_acknowledgement/number"}},
		{Name: "x12.997", Directions: []string{"source"}},
	}
}

func validate(cfg Config, _ string) []error {
	out := cfg.Validate()
	for _, v := range []struct {
		field string
		Identity
	}{{"/partner/theirs", cfg.Partner.Theirs}, {"/partner/ours", cfg.Partner.Ours}} {
		if len(v.ID) > 15 {
			out = append(out, &sdk.Error{
				Class: sdk.BadConfig, Code: "config", Field: v.field + "/id", Hint: "ISA06 and ISA08 have 15 characters",
				Message: fmt.Sprintf("the identifier %q is too long", v.ID),
			})
		}
		if len(v.Qualifier) > 2 {
			out = append(out, &sdk.Error{
				Class: sdk.BadConfig, Code: "config", Field: v.field + "/qualifier", Hint: "two characters, such as 01, 08, 12 or ZZ",
				Message: fmt.Sprintf("the qualifier %q is too long", v.Qualifier),
			})
		}
	}
	return out
}

// address is the envelope of what we send to the partner.
func (p Partner) address(control uint64, at time.Time) x12.Address {
	return x12.Address{
		Sender: x12.Party{Qualifier: p.Ours.Qualifier, ID: p.Ours.ID}, Receiver: x12.Party{Qualifier: p.Theirs.Qualifier, ID: p.Theirs.ID},
		GroupSender: p.Ours.Group, GroupReceiver: p.Theirs.Group, Control: control, Usage: p.Usage, At: at, Newline: p.Newline,
	}
}

// sequence names the partner's interchange control numbers.
func (p Partner) sequence() string { return "interchange/" + p.Theirs.Qualifier + "/" + p.Theirs.ID }

// mismatch says in words why an interchange is not of this partner; empty when
// it is.
func (p Partner) mismatch(ic *x12.Interchange) string {
	s, r := ic.Sender(), ic.Receiver()
	if s.ID != p.Theirs.ID || s.Qualifier != p.Theirs.Qualifier {
		return fmt.Sprintf("it is from %s/%s (ISA05, ISA06), the partner is %s/%s", s.Qualifier, s.ID, p.Theirs.Qualifier, p.Theirs.ID)
	}
	if r.ID != p.Ours.ID || r.Qualifier != p.Ours.Qualifier {
		return fmt.Sprintf("it is to %s/%s (ISA07, ISA08), we are %s/%s", r.Qualifier, r.ID, p.Ours.Qualifier, p.Ours.ID)
	}
	return ""
}

// report lists findings, a line each, at most ten.
func report(fs []x12.Finding) string {
	var lines []string
	for i, f := range fs {
		if i == 10 {
			lines = append(lines, fmt.Sprintf("… and %d more", len(fs)-i))
			break
		}
		lines = append(lines, f.String())
	}
	return strings.Join(lines, "\n")
}
