package partner

import (
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	agreement "github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/routing"
	"github.com/crossdock/crossdock/core/strictyaml"
)

func checkCommand(p Project) *cobra.Command {
	return &cobra.Command{
		Use: "check [id ...]", Short: "Find every error in agreements with partners, offline",
		Long: `Checks the files under partners/, all or those named: keys and values, identifiers,
sets and releases, the implementation guides in them (overlay), the mappings named
under receive, and that no two are about the same interchanges. Everything wrong is reported at once, with file, line, column and a
hint. That no connection uses a partner, or no route takes from it, is a warning.

Connections are the business of "crossdock validate", which starts the connector.`,
		Example: "  crossdock partner check\n  crossdock partner check acme harbor\n  crossdock partner check --json | jq -r '.[].message'",
		RunE: func(cmd *cobra.Command, args []string) error {
			t := toolOf(cmd, p)
			project, loaded := p.Load()
			if project == nil {
				return exit.Fail(loaded.Err())
			}
			fs, err := t.check(project, loaded, args)
			if err != nil {
				return err
			}
			return p.Findings(fs)
		},
	}
}

// check is everything that is wrong with the partners named, or with all.
func (t *tool) check(project *config.Project, loaded strictyaml.Findings, named []string) (strictyaml.Findings, error) {
	var fs strictyaml.Findings
	for _, f := range loaded {
		// A file that cannot be read has no partner yet; its name tells whose it is.
		id := strings.TrimSuffix(path.Base(f.File), ".yaml")
		of := slices.IndexFunc(ids(project), func(id string) bool { return project.Partners[id].File() == f.File })
		if of >= 0 {
			id = ids(project)[of]
		}
		if path.Dir(f.File) == "partners" && (len(named) == 0 || slices.Contains(named, id)) {
			fs = append(fs, f)
		}
	}
	all := named
	if len(all) == 0 {
		all = ids(project)
	}
	if len(all) == 0 && len(fs) == 0 {
		return nil, exit.Misuse("there is no partner in this project; `crossdock partner new acme` writes its files")
	}
	c := &checker{project: project, library: grammar.Open(grammars.FS()), mappings: mapping.Open(os.DirFS(project.Dir))}
	for _, id := range all {
		switch {
		case project.Partners[id] != nil:
			c.partner(id)
		case len(fs) == 0:
			return nil, unknown(id, project)
		}
	}
	fs = append(fs, c.found...)
	fs.Sort()
	return fs, nil
}

// checker checks agreements of one project.
type checker struct {
	project  *config.Project
	library  *grammar.Library
	mappings *mapping.Library
	found    strictyaml.Findings
}

func (c *checker) partner(id string) {
	file := c.project.Partners[id]
	p, problems, warnings := agreement.Decode(file.Content)
	for _, err := range problems {
		c.found = append(c.found, placed(file, err, strictyaml.Error))
	}
	for _, err := range warnings {
		c.found = append(c.found, placed(file, err, strictyaml.Warning))
	}
	c.guides(file, &p)
	c.sets(file, &p)
	for side, i := range map[string]agreement.Identity{"theirs": p.Theirs, "ours": p.Ours} {
		if i.ID == placeholder {
			c.found.Warn(file.PosOf("/"+side+"/id"), "it stands in the header of their files: `crossdock edi validate sample.edi`, or begin with `crossdock partner new "+id+" --from sample.edi`", "the identifier %q stands for one that is not known yet", placeholder)
		}
	}
	c.twins(id, &p)
	c.use(file, id)
}

// twins reports the other agreements that the same interchanges belong to. Those
// that write another standard, or test where this one produces, are meant.
func (c *checker) twins(id string, p *agreement.Partner) {
	if p.Theirs.ID == placeholder {
		return // that of many who have none yet, and warned of
	}
	file := c.project.Partners[id]
	for _, other := range ids(c.project) {
		if other == id {
			continue
		}
		twin := c.project.Partners[other]
		q, _, _ := agreement.Decode(twin.Content)
		if p.Standard != q.Standard || p.Usage != q.Usage || !p.Theirs.Shares(q.Theirs) || !p.Ours.Shares(q.Ours) {
			continue
		}
		c.found.Add(file.PosOf("/theirs"),
			"correct the identifiers of one; or keep one agreement, and name it in the connections of both",
			"the partner %s has the same identifiers and usage as the partner %s in %s: what comes belongs to both, and what goes has the control numbers of both",
			id, other, twin.PosOf("/theirs"))
	}
}

// placed gives a connector's complaint its place in the partner's file.
func placed(file *config.Partner, err error, severity strictyaml.Severity) strictyaml.Finding {
	f := strictyaml.Finding{Pos: file.ID.Pos, Severity: severity, Message: err.Error()}
	var e *sdk.Error
	if errors.As(err, &e) {
		f.Pos, f.Message, f.Hint = file.PosOf(e.Field), e.Message, e.Hint
	}
	return f
}

// guidePlace is how the guides of an agreement name a place: the key, and line and
// column in its text where there are any.
var guidePlace = regexp.MustCompile(`(?m)^(receive|send)\.([^.\s]+)\.overlay:(?:(\d+):(\d+):)? `)

// guides compiles the overlays.
func (c *checker) guides(file *config.Partner, p *agreement.Partner) {
	g, err := p.Guides(c.library)
	if err != nil {
		c.inGuides(file, err.Error(), strictyaml.Error)
	}
	for _, doubt := range g.Doubts() {
		c.inGuides(file, doubt, strictyaml.Warning)
	}
}

// inGuides gives what is said of overlays its place in the partner's file.
func (c *checker) inGuides(file *config.Partner, text string, severity strictyaml.Severity) {
	places := guidePlace.FindAllStringSubmatchIndex(text, -1)
	if len(places) == 0 {
		c.found = append(c.found, strictyaml.Finding{Pos: file.ID.Pos, Severity: severity, Message: text})
	}
	for i, m := range places {
		end := len(text)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		part := func(n int) string {
			if m[2*n] < 0 {
				return ""
			}
			return text[m[2*n]:m[2*n+1]]
		}
		pos := file.PosOf("/" + part(1) + "/" + part(2) + "/overlay")
		message := strings.TrimSpace(text[m[1]:end])
		if line, err := strconv.Atoi(part(3)); err == nil {
			// The text is a block that begins in the line below its key, two deeper.
			col, _ := strconv.Atoi(part(4)) // digits, by the expression
			pos.Line += line
			pos.Col += 1 + col
			message = fmt.Sprintf("overlay of %s, line %s: %s", part(2), part(3), message)
		}
		c.found = append(c.found, strictyaml.Finding{
			Pos: pos, Severity: severity, Message: message, Hint: "connectors/edi/grammars/README.md tells what an overlay may say",
		})
	}
}

// sets checks what stands under receive and send against the grammars and mappings.
func (c *checker) sets(file *config.Partner, p *agreement.Partner) {
	for _, id := range sorted(p.Receive) {
		in := p.Receive[id]
		at := "/receive/" + id
		for i, r := range in.Releases {
			c.release(file.PosOf(at+"/releases/"+strconv.Itoa(i)), r, id)
		}
		if len(in.Releases) == 0 && !c.anyRelease(id) {
			c.found.Warn(file.PosOf(at), "`crossdock edi lint` lists the sets", "there is no grammar for %s: only its envelope will be checked, and its document has no names", id)
		}
		if in.Mapping == "" {
			continue
		}
		m, found := c.mappings.Mapping(in.Mapping)
		for _, f := range found {
			c.found = append(c.found, routing.FromMapping(f))
		}
		if m == nil {
			c.found.Add(file.PosOf(at+"/mapping"), "`crossdock map check` names every error of a mapping; paths begin at the project's folder", "the mapping %s cannot be used", in.Mapping)
		}
	}
	for _, id := range sorted(p.Send) {
		if r := p.Send[id].Release; r != "" {
			if _, err := c.library.Set(p.StandardOf(), r, id); err != nil {
				c.found.Add(file.PosOf("/send/"+id+"/release"), "`crossdock edi lint` lists the sets of every release", "%s cannot be written in release %s: %v", id, r, err)
			}
		}
	}
}

// release wants a grammar for a set in a release of either standard.
func (c *checker) release(at strictyaml.Pos, release, id string) {
	for _, std := range standards {
		if _, err := c.library.Set(std, release, id); err == nil {
			return
		}
	}
	c.found.Warn(at, "`crossdock edi lint` lists the sets of every release", "there is no grammar for %s in release %s: only its envelope will be checked", id, release)
}

var standards = []syntax.Standard{syntax.X12, syntax.EDIFACT}

func (c *checker) anyRelease(id string) bool {
	for _, std := range standards {
		releases, err := c.library.Releases(std)
		if err != nil {
			continue // the grammars are embedded: there is nothing to fail
		}
		for _, r := range releases {
			if _, err := c.library.Set(std, r, id); err == nil {
				return true
			}
		}
	}
	return false
}

// use warns of agreements that nothing acts on.
func (c *checker) use(file *config.Partner, id string) {
	list := connections(c.project, id)
	if len(list) == 0 {
		c.found.Warn(file.ID.Pos, "write `partner: "+id+"` into a connection", "no connection uses the partner %s", id)
		return
	}
	sources := map[string]bool{}
	for _, con := range list {
		for _, e := range con.Endpoints {
			if e.Role == config.Source {
				sources[e.FullName()] = true
			}
		}
	}
	for _, r := range c.project.Routes {
		if sources[r.From.Endpoint] {
			return
		}
	}
	if len(sources) > 0 {
		c.found.Warn(list[0].Name.Pos, "write a route with `from: "+sorted(sources)[0]+"`", "no route takes what the partner %s sends", id)
	}
}

func sorted[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
