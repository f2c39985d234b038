package sftp

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// nameTemplate is a parsed name. The clock is not among its pieces: a name
// that changes with the time of the attempt would write a repetition twice.
type nameTemplate []piece

type piece struct {
	kind pieceKind
	arg  string
	at   jsonpointer.Pointer // of a pointer, or of a date from the document
}

type pieceKind int

const (
	literalPiece pieceKind = iota
	pointerPiece
	idPiece
	keyPiece
	datePiece
	metaPiece
)

func (p piece) String() string {
	return map[pieceKind]string{pointerPiece: "{" + p.arg + "}", idPiece: "{id}", keyPiece: "{key}", datePiece: "{date}", metaPiece: "{meta:" + p.arg + "}"}[p.kind]
}

// parseName reads a template such as "order-{/number}.xml".
func parseName(template string) (nameTemplate, error) {
	var out nameTemplate
	rest := template
	for rest != "" {
		before, after, found := strings.Cut(rest, "{")
		if strings.Contains(before, "}") {
			return nil, fmt.Errorf("%q has a } without a {", template)
		}
		if before != "" {
			out = append(out, piece{kind: literalPiece, arg: before})
		}
		if !found {
			break
		}
		name, behind, closed := strings.Cut(after, "}")
		if !closed {
			return nil, fmt.Errorf("%q has a { that is not closed", template)
		}
		p, err := parsePiece(name)
		if err != nil {
			return nil, err
		}
		out, rest = append(out, p), behind
	}
	if path.IsAbs(template) || strings.Contains("/"+template+"/", "/../") {
		return nil, fmt.Errorf("%q leads out of the folder", template)
	}
	return out, nil
}

func parsePiece(name string) (piece, error) {
	kind, arg, _ := strings.Cut(name, ":")
	switch {
	case strings.HasPrefix(name, "/"):
		at, err := jsonpointer.Parse(name)
		return piece{kind: pointerPiece, arg: name, at: at}, err
	case name == "id":
		return piece{kind: idPiece}, nil
	case name == "key":
		return piece{kind: keyPiece}, nil
	case kind == "date" && (arg == "" || strings.HasPrefix(arg, "/")):
		at, err := jsonpointer.Parse(arg)
		return piece{kind: datePiece, arg: arg, at: at}, err
	case kind == "meta" && arg != "":
		return piece{kind: metaPiece, arg: arg}, nil
	}
	return piece{}, fmt.Errorf("{%s} is not known: {/pointer}, {id}, {key}, {date}, {date:/pointer} or {meta:name}", name)
}

// distinct tells whether two records can get two names.
func (t nameTemplate) distinct() bool {
	for _, p := range t {
		if p.kind != literalPiece && p.kind != datePiece {
			return true
		}
	}
	return false
}

// name fills in the template for a record and its decoded payload.
func (t nameTemplate) name(rec sdk.Record, doc any) (string, error) {
	var out strings.Builder
	for _, p := range t {
		value, err := p.value(rec, doc)
		if err != nil {
			return "", err
		}
		out.WriteString(value)
	}
	name := out.String()
	return name, filedrop.CheckName(path.Base(name))
}

func (p piece) value(rec sdk.Record, doc any) (string, error) {
	switch p.kind {
	case literalPiece:
		return p.arg, nil
	case idPiece:
		return filedrop.Identity(rec.ID)[:16], nil
	case keyPiece:
		return safe(rec.Key, p.String())
	case metaPiece:
		return safe(rec.Meta[p.arg], p.String())
	case datePiece:
		return p.date(rec, doc)
	}
	return safe(plainText(doc, p.at), p.String())
}

// date gives a day as 20260314.
func (p piece) date(rec sdk.Record, doc any) (string, error) {
	if p.arg == "" {
		if rec.EventTime.IsZero() {
			return "", errors.New("the name needs {date} and the record does not say when it happened; use {date:/pointer}")
		}
		return rec.EventTime.UTC().Format("20060102"), nil
	}
	value := plainText(doc, p.at)
	if len(value) < len(time.DateOnly) {
		return "", fmt.Errorf("the name needs a date and %s is %q", p.arg, value)
	}
	day, err := time.Parse(time.DateOnly, value[:len(time.DateOnly)])
	if err != nil {
		return "", fmt.Errorf("the name needs a date and %s is %q; expected 2026-03-14 or a time that begins so", p.arg, value)
	}
	return day.Format("20060102"), nil
}

// safe replaces what a file name should not contain. Two values that become
// one name are told apart by Put, which refuses other content.
func safe(value, what string) (string, error) {
	if value == "" {
		return "", fmt.Errorf("the name needs %s and the record has no such value", what)
	}
	cleaned := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '-'
	}, value)
	// A leading dot would hide the file from the partner.
	return strings.TrimLeft(cleaned[:min(len(cleaned), 120)], "."), nil
}
