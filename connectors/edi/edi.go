// Package edi is the connector for EDI partners: ANSI X12 and UN/EDIFACT over SFTP
// or a folder.
//
// A source takes the partner's files (see connectors/filedrop for how nothing
// is lost or taken twice), judges every interchange, group and set by what was
// agreed with the partner, and hands each good set over as named JSON. After the
// core made them durable it writes the acknowledgements that were agreed (TA1,
// 997, 999, CONTRL) into the partner's folder and archives the file. A bad set
// becomes a dead letter and is rejected in the acknowledgement; its neighbours are
// not affected. An interchange that comes again is answered again and not used
// again; a control number that comes with other content is a clash.
//
// A sink writes documents as interchanges, with control numbers from a durable,
// gap-free sequence that are bound to the messages: the same message written
// again has the same number, content and file name. What the partner's
// acknowledgements say of it, or that they are overdue, becomes an event.
//
// The code from the outside in: partner is the agreement, exchange what is
// remembered; syntax cuts a stream into segments, grammar knows sets, validate
// walks through a stream and tells handlers what it reads and finds; shape,
// acknowledge and verdict are such handlers; compose writes.
//
// Partner agreements are files under partners/, see README.md.
package edi

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// Config is the configuration of an EDI connection and its endpoints.
type Config struct {
	filedrop.Location

	Partner partner.Partner `json:"partner" doc:"The trading partner: write partner: <id> in the connection to use partners/<id>.yaml" required:"true"`

	Folder    string        `json:"folder" doc:"Folder that the partner's files are taken from, or that documents for the partner are written to" required:"true" role:"source,sink"`
	Match     []string      `json:"match" doc:"File name patterns that are taken; default every file" role:"source"`
	StableFor time.Duration `json:"stableFor" doc:"How long a file must not change before it is taken" default:"5s" role:"source"`
	Every     time.Duration `json:"every" doc:"Time between two looks at the folder" default:"10s" role:"source"`
	AckFolder string        `json:"ackFolder" doc:"Folder that acknowledgements are written to; empty for none" role:"source"`
	MaxSize   int64         `json:"maxSize" doc:"Largest file taken, in bytes" default:"1073741824" role:"source"`
}

// maxSize is the largest file that is taken by default. Files are streamed: a
// larger one costs time and disk, not memory.
const maxSize = 1 << 30

// Connector returns the EDI connector.
func Connector() sdk.Plugin {
	return sdk.Connector[Config]{
		Spec: sdk.Spec{
			Name: "edi", Version: "2.0.0", Vendor: "Crossdock", License: "Apache-2.0",
			Summary:  "ANSI X12 and UN/EDIFACT over SFTP or folders: reads, validates, acknowledges (TA1, 997, 999, CONTRL) and writes the sets of retail",
			Effect:   "interchange control number bound to the message id, deterministic file name, temporary name then rename",
			Entities: entities(),
		},
		Defaults: Config{
			StableFor: 5 * time.Second, Every: 10 * time.Second, MaxSize: maxSize,
			Location: filedrop.Location{Transport: filedrop.TransportSFTP, Port: 22, Timeout: 30 * time.Second, KeepAlive: 15 * time.Second},
		},
		Validate: check,
		Source: func(ctx context.Context, cfg Config, _ []byte, env sdk.Env) (sdk.Source, error) {
			cfg.Partner = cfg.Partner.WithDefaults()
			return newSource(ctx, cfg, env)
		},
		Sink: func(_ context.Context, cfg Config, env sdk.Env) (sdk.Sink, error) {
			cfg.Partner = cfg.Partner.WithDefaults()
			return newSink(cfg, env)
		},
	}
}

// shippedGrammars are compiled once in a process.
var shippedGrammars = sync.OnceValue(func() *grammar.Library { return grammar.Open(grammars.FS()) })

// entities are the sets with a grammar. Members of documents are named by
// grammars, so that `crossdock edi schema SET` is their schema.
func entities() []sdk.Entity {
	lib := shippedGrammars()
	seen := map[string]bool{}
	out := []sdk.Entity{{Name: StatusEntity, Directions: []string{"source"}, Keys: []string{"/acknowledgement/document/key"}}}
	for _, std := range []syntax.Standard{syntax.X12, syntax.EDIFACT} {
		releases, err := lib.Releases(std)
		if err != nil {
			continue // the grammars are embedded: there is nothing to fail
		}
		for _, r := range releases {
			sets, err := lib.Sets(std, r)
			if err != nil {
				continue
			}
			for _, id := range sets {
				name := entity(std, id)
				if seen[name] {
					continue
				}
				seen[name] = true
				directions := []string{"source", "sink"}
				if id == "997" || id == "999" || id == "CONTRL" {
					directions = directions[:1]
				}
				out = append(out, sdk.Entity{Name: name, Directions: directions})
			}
		}
	}
	return out
}

func check(cfg Config, _ string) []error {
	cfg.Partner = cfg.Partner.WithDefaults()
	out := append(cfg.Validate(), cfg.Partner.Validate("/partner")...)
	if _, err := cfg.Partner.Guides(shippedGrammars()); err != nil {
		out = append(out, &sdk.Error{Class: sdk.BadConfig, Code: "config", Field: "/partner", Err: err, Hint: "crossdock partner check names every line"})
	}
	return out
}

// control is the control number of the nth interchange that we send, as it is
// written and as it names files.
func (c *Config) control(n uint64) string { return fmt.Sprintf("%09d", c.Partner.ControlNumber(n)) }

func inFolder(folder, name string) string { return strings.TrimSuffix(folder, "/") + "/" + name }
