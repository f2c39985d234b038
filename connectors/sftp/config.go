package sftp

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/formats"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// Config is the configuration of a connection and its endpoints.
type Config struct {
	filedrop.Location
	Folder   string `json:"folder" doc:"Folder the files are read from or written to; relative to root, or to the folder after login" required:"true" example:"inbound"`
	DoneFile string `json:"doneFile" doc:"Name of the file that says another is complete, with {name} or {stem} for that one's name with or without extension. A source waits for it, a sink writes it" example:"{name}.done"`
	formats.Options

	filedrop.Pickup
	Entity    string            `json:"entity" doc:"What a record is, for logs and traces" role:"source" example:"sale"`
	Operation string            `json:"operation" doc:"What a record means" enum:"event,upsert,delete,snapshot" default:"event" role:"source"`
	Key       string            `json:"key" doc:"Column or JSON pointer whose value orders: records of one value are processed one after the other. Without it a source's records keep their order as a whole" role:"source" example:"receipt"`
	Keys      map[string]string `json:"keys" doc:"Business keys that find a message in the trace: name and column or JSON pointer" role:"source" example:"{order: /orderNumber}"`
	OnBadRow  BadRow            `json:"onBadRow" doc:"A row that cannot be read: reject quarantines the whole file and takes nothing of it; set-aside takes the others and keeps the row as a dead letter" enum:"reject,set-aside" default:"reject" role:"source"`

	filedrop.Deposit
	Name string `json:"name" doc:"Name of a file written, which must follow from the record: {/pointer} a value of the document, {id} a short hash of the record's id, {key} its key, {date} the day it happened, {date:/pointer} a day in the document, {meta:name} a value of its metadata" default:"{id}" role:"sink" example:"order-{/orderNumber}.xml"`
	Per  Per    `json:"per" doc:"What one file holds: one record, or the records that arrive together" enum:"record,batch" default:"record" role:"sink"`
}

// BadRow says what becomes of a file with a broken row.
type BadRow string

// The ways to treat a broken row.
const (
	Reject   BadRow = "reject"
	SetAside BadRow = "set-aside"
)

// Per says what one written file holds.
type Per string

// The contents of a written file.
const (
	PerRecord Per = "record"
	PerBatch  Per = "batch"
)

// Connector describes the connector and ties it to its configuration.
func Connector() sdk.Plugin {
	return sdk.Connector[Config]{
		Spec: sdk.Spec{
			Name: "sftp", Version: "1.0.0", Vendor: "Crossdock", License: "Apache-2.0",
			Summary: "Files over SFTP or in a folder, as CSV, JSON, NDJSON, XML or fixed width",
			Effect:  "A file's name follows from the record; it is written under a temporary name and renamed, and what was written is remembered. A repetition finds name and bytes in place, or the memory, and writes nothing.",
			Batch:   sdk.BatchLimits{MaxInFlight: 16},
		},
		Validate: validate,
		Source:   openSource,
		Sink:     openSink,
	}
}

func validate(cfg Config, role string) []error {
	problems := append(cfg.Location.Validate(), cfg.Options.Validate(role)...)
	if role == "sink" {
		return append(problems, cfg.validateSink()...)
	}
	options := cfg.Pickup.Options(cfg.Folder, cfg.DoneFile, sdk.Env{})
	problems = append(problems, options.Validate()...)
	if _, err := place(cfg.Key); err != nil {
		problems = append(problems, configError("/key", "%w", err))
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Keys)) {
		if _, err := place(cfg.Keys[name]); err != nil {
			problems = append(problems, configError("/keys/"+name, "%w", err))
		}
	}
	if cfg.CSV.GroupBy != "" && cfg.OnBadRow == SetAside {
		problems = append(problems, configError("/onBadRow", "set-aside cannot be combined with csv.groupBy: a group without one of its rows would be taken for complete"))
	}
	return problems
}

func (cfg Config) validateSink() []error {
	var problems []error
	pieces, err := parseName(cfg.Name)
	if err != nil {
		return append(problems, configError("/name", "%v", err))
	}
	if !pieces.distinct() && cfg.OnExisting != filedrop.Overwrite {
		problems = append(problems, &sdk.Error{
			Class: sdk.BadConfig, Code: "config.name", Field: "/name",
			Err:  fmt.Errorf("every file would be called %q", cfg.Name),
			Hint: "put {id} or {/pointer} into the name, or set onExisting: replace to keep the latest only",
		})
	}
	if cfg.Per == PerBatch {
		for _, piece := range pieces {
			if piece.kind != literalPiece && piece.kind != idPiece {
				problems = append(problems, configError("/name", "a file per batch has no single %s; use {id}", piece))
			}
		}
		if cfg.Format == formats.JSON && !cfg.JSON.Array {
			problems = append(problems, configError("/json/array", "a file per batch of format json needs json.array: true; or use ndjson"))
		}
	}
	if strings.HasSuffix(cfg.Name, "/") {
		problems = append(problems, configError("/name", "%q is a folder", cfg.Name))
	}
	return problems
}

func configError(field, format string, args ...any) error {
	return &sdk.Error{Class: sdk.BadConfig, Code: "config.value", Field: field, Err: fmt.Errorf(format, args...)}
}
