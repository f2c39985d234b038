package soap

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"path"
	"sort"
	"strings"

	"github.com/hooklift/gowsdl"
)

// Version is the SOAP version of a binding.
type Version string

// The versions; they differ in namespace, content type and the form of faults.
const (
	V11 Version = "1.1"
	V12 Version = "1.2"
)

// Limits on what is read while loading a service description.
const (
	maxSchemas  = 64
	maxDocument = 8 << 20
)

// Fetch reads a document that a service description refers to.
type Fetch func(location string) ([]byte, error)

// Service is a WSDL that was read at run time: its operations and the schemas
// that say how their messages are written.
type Service struct {
	operations map[string]*Operation
	elements   map[name]*gowsdl.XSDElement
	types      map[name]*gowsdl.XSDComplexType
	simple     map[name]*gowsdl.XSDSimpleType
	home       map[any]*gowsdl.XSDSchema // the schema that a definition stands in
	prefixes   map[string]string
}

// Operation is one operation of a service.
type Operation struct {
	Name    string
	Summary string
	// Action is the SOAPAction of the binding.
	Action string
	// Address is the service's endpoint as the WSDL gives it.
	Address string
	Version Version
	input   *gowsdl.XSDElement
	output  *gowsdl.XSDElement
}

type name struct{ space, local string }

// bindings is the part of a WSDL that gowsdl reads for SOAP 1.1 only.
type bindings struct {
	Bindings []struct {
		Name       string      `xml:"name,attr"`
		Type       string      `xml:"type,attr"`
		Soap11     *struct{}   `xml:"http://schemas.xmlsoap.org/wsdl/soap/ binding"`
		Soap12     *struct{}   `xml:"http://schemas.xmlsoap.org/wsdl/soap12/ binding"`
		Operations []bindingOp `xml:"operation"`
	} `xml:"http://schemas.xmlsoap.org/wsdl/ binding"`
	Services []struct {
		Ports []struct {
			Binding string   `xml:"binding,attr"`
			At11    *address `xml:"http://schemas.xmlsoap.org/wsdl/soap/ address"`
			At12    *address `xml:"http://schemas.xmlsoap.org/wsdl/soap12/ address"`
		} `xml:"port"`
	} `xml:"http://schemas.xmlsoap.org/wsdl/ service"`
}

type bindingOp struct {
	Name string  `xml:"name,attr"`
	Op11 *action `xml:"http://schemas.xmlsoap.org/wsdl/soap/ operation"`
	Op12 *action `xml:"http://schemas.xmlsoap.org/wsdl/soap12/ operation"`
}

type action struct {
	Action string `xml:"soapAction,attr"`
	Style  string `xml:"style,attr"`
}

type address struct {
	Location string `xml:"location,attr"`
}

// Load reads a WSDL and every schema it imports. location is where doc came
// from; relative imports are resolved against it. prefer picks the binding when
// the service offers both versions; empty takes the first.
func Load(doc []byte, location string, prefer Version, fetch Fetch) (*Service, error) {
	w := new(gowsdl.WSDL)
	if err := xml.Unmarshal(doc, w); err != nil {
		return nil, fmt.Errorf("%s is not a WSDL: %w", location, err)
	}
	var b bindings
	if err := xml.Unmarshal(doc, &b); err != nil {
		return nil, fmt.Errorf("%s is not a WSDL: %w", location, err)
	}
	s := &Service{
		operations: map[string]*Operation{}, elements: map[name]*gowsdl.XSDElement{}, types: map[name]*gowsdl.XSDComplexType{},
		simple: map[name]*gowsdl.XSDSimpleType{}, home: map[any]*gowsdl.XSDSchema{}, prefixes: w.Xmlns,
	}
	l := &schemaLoader{service: s, fetch: fetch, seen: map[string]bool{}}
	for _, x := range w.Types.Schemas {
		if err := l.add(x, location, ""); err != nil {
			return nil, err
		}
	}
	if err := s.bind(w, &b, prefer); err != nil {
		return nil, fmt.Errorf("%s: %w", location, err)
	}
	return s, nil
}

type schemaLoader struct {
	service *Service
	fetch   Fetch
	seen    map[string]bool
}

func (l *schemaLoader) add(x *gowsdl.XSDSchema, location, chameleon string) error {
	s := l.service
	if x.TargetNamespace == "" {
		x.TargetNamespace = chameleon // an included schema takes its includer's namespace
	}
	for _, e := range x.Elements {
		s.elements[name{x.TargetNamespace, e.Name}] = e
		s.home[e] = x
	}
	for _, c := range x.ComplexTypes {
		s.types[name{x.TargetNamespace, c.Name}] = c
		s.home[c] = x
	}
	for _, t := range x.SimpleType {
		s.simple[name{x.TargetNamespace, t.Name}] = t
	}
	for _, i := range x.Imports {
		if err := l.follow(i.SchemaLocation, location, ""); err != nil {
			return err
		}
	}
	for _, i := range x.Includes {
		if err := l.follow(i.SchemaLocation, location, x.TargetNamespace); err != nil {
			return err
		}
	}
	return nil
}

func (l *schemaLoader) follow(ref, base, chameleon string) error {
	if ref == "" {
		return nil
	}
	location := resolve(base, ref)
	if l.seen[location] {
		return nil
	}
	if l.seen[location] = true; len(l.seen) > maxSchemas {
		return fmt.Errorf("%s imports more than %d schemas", base, maxSchemas)
	}
	doc, err := l.fetch(location)
	if err != nil {
		return fmt.Errorf("reading the schema %s: %w", location, err)
	}
	x := new(gowsdl.XSDSchema)
	if err := xml.NewDecoder(bytes.NewReader(doc)).Decode(x); err != nil {
		return fmt.Errorf("%s is not an XML schema: %w", location, err)
	}
	return l.add(x, location, chameleon)
}

func resolve(base, ref string) string {
	if u, err := url.Parse(base); err == nil && u.Scheme != "" {
		if r, err := u.Parse(ref); err == nil {
			return r.String()
		}
	}
	if path.IsAbs(ref) || strings.Contains(ref, "://") {
		return ref
	}
	return path.Join(path.Dir(base), ref)
}

// bind ties operations to their messages, actions and addresses.
func (s *Service) bind(w *gowsdl.WSDL, b *bindings, prefer Version) error {
	for _, pt := range w.PortTypes {
		for _, op := range pt.Operations {
			o := &Operation{Name: op.Name, Summary: strings.Join(strings.Fields(op.Doc), " ")}
			o.input = s.message(w, op.Input.Message)
			o.output = s.message(w, op.Output.Message)
			s.bindOne(o, pt.Name, b, prefer)
			if o.Version == "" {
				continue // bound to HTTP GET or POST only
			}
			if o.input == nil {
				return fmt.Errorf("operation %s: its input is not one element of a schema (rpc style is not supported; document/literal is)", op.Name)
			}
			s.operations[op.Name] = o
		}
	}
	if len(s.operations) == 0 {
		return errors.New("it has no operation with a SOAP binding")
	}
	return nil
}

func (s *Service) bindOne(o *Operation, portType string, b *bindings, prefer Version) {
	for _, bd := range b.Bindings {
		v := V11
		if bd.Soap12 != nil {
			v = V12
		}
		if bd.Soap11 == nil && bd.Soap12 == nil || local(bd.Type) != portType || o.Version != "" && v != prefer {
			continue
		}
		for _, bo := range bd.Operations {
			if bo.Name != o.Name {
				continue
			}
			o.Version = v
			if bo.Op11 != nil {
				o.Action = bo.Op11.Action
			} else if bo.Op12 != nil {
				o.Action = bo.Op12.Action
			}
			for _, sv := range b.Services {
				for _, p := range sv.Ports {
					if local(p.Binding) != bd.Name {
						continue
					}
					if p.At11 != nil {
						o.Address = p.At11.Location
					} else if p.At12 != nil {
						o.Address = p.At12.Location
					}
				}
			}
		}
	}
}

func local(q string) string { return q[strings.IndexByte(q, ':')+1:] }

func (s *Service) message(w *gowsdl.WSDL, ref string) *gowsdl.XSDElement {
	for _, m := range w.Messages {
		if m.Name != local(ref) || len(m.Parts) == 0 {
			continue
		}
		return s.elements[s.qualify(nil, m.Parts[0].Element)]
	}
	return nil
}

// qualify resolves a prefixed name where it stands.
func (s *Service) qualify(x *gowsdl.XSDSchema, q string) name {
	prefix, loc, ok := strings.Cut(q, ":")
	if !ok {
		prefix, loc = "", q
	}
	if x != nil {
		if ns, ok := x.Xmlns[prefix]; ok {
			return name{ns, loc}
		}
		if prefix == "" {
			return name{x.TargetNamespace, loc}
		}
	}
	return name{s.prefixes[prefix], loc}
}

// Operation finds an operation by name; the error lists what there is.
func (s *Service) Operation(n string) (*Operation, error) {
	if o, ok := s.operations[n]; ok {
		return o, nil
	}
	return nil, fmt.Errorf("the service has no operation %q; it has %s", n, strings.Join(s.names(), ", "))
}

func (s *Service) names() []string {
	var out []string
	for n := range s.operations {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}
