package parameters

import (
	"slices"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/jsonpointer"
)

func TestParse(t *testing.T) {
	for _, tc := range []struct{ sql, want string }{
		{"SELECT 1", "SELECT 1"},
		{"VALUES (:a, :b_2)", "VALUES (<a>, <b_2>)"},
		{":a:b", ":a:b"}, // see below: the second colon follows a word
		{"x = :customer.name", "x = <customer.name>"},
		{"x = :{/lines/0/sku} AND y", "x = </lines/0/sku> AND y"},
		{"x = :note?, :{/a/b}?", "x = <note?>, </a/b?>"},
		{"x = :@id", "x = <@id>"},
		{"x = :größe", "x = <größe>"},
		{":total::numeric", "<total>::numeric"},
		{"SET @x := 1", "SET @x := 1"},
		{"':a' \":b\" `:c` 'it''s :d'", "':a' \":b\" `:c` 'it''s :d'"},
		{"1 -- :a\n, :b", "1 -- :a\n, <b>"},
		{"1 /* :a */ + :b", "1 /* :a */ + <b>"},
		{"$$ :a $$ :b $x$ :c $$ $x$", "$$ :a $$ <b> $x$ :c $$ $x$"},
		{"$1 :a", "$1 <a>"},
		{"arr[1:n] : x", "arr[1:n] : x"},
		{"a.b = :c.", "a.b = <c>."},
		{"x = :", "x = :"},
	} {
		st, err := Parse(tc.sql)
		if err != nil {
			t.Errorf("%q: %v", tc.sql, err)
			continue
		}
		got := st.Render(func(n int) string {
			p := st.params[n-1]
			if p.Optional {
				return "<" + p.Text + "?>"
			}
			return "<" + p.Text + ">"
		})
		want := tc.want
		if tc.sql == ":a:b" {
			want = "<a>:b"
		}
		if got != want {
			t.Errorf("%q\n got %s\nwant %s", tc.sql, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT 'abc":              "line 1, column 8 of the SQL: text that begins with ' does not end",
		"SELECT 1\n  /* abc":       "line 2, column 3 of the SQL: a comment /* does not end",
		"SELECT $x$ abc":           "text that begins with $x$ does not end",
		"SELECT :{/a":              "a parameter :{ does not end",
		"SELECT :{a}":              "parameter :{a} is no JSON Pointer",
		`SELECT 'C:\' || :a || ''`: "a backslash before a quote means different things",
	} {
		if _, err := Parse(sql); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", sql, err, want)
		}
	}
}

// FuzzParse: whatever is parsed is put together again unchanged, and nothing in
// quotes or comments is taken for a parameter.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"VALUES (:a, ':b', :{/c/d}?)", "$$ :a $$", "-- :a\n:b", "/* :a */", "E'\\'", ":@id::text", "\"a\"\"b\" :c", "`:x", "a$b$c:d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		st, err := Parse(sql)
		if err != nil {
			return
		}
		if len(st.pieces) != len(st.params)+1 {
			t.Fatalf("%d pieces, %d parameters", len(st.pieces), len(st.params))
		}
		again := st.Render(func(n int) string {
			p := st.params[n-1]
			s := ":" + p.Text
			if strings.HasPrefix(p.Text, "/") {
				s = ":{" + p.Text + "}"
			}
			if p.Optional {
				s += "?"
			}
			return s
		})
		if again != sql {
			t.Fatalf("%q became %q", sql, again)
		}
		quoted, err := Parse("'" + strings.NewReplacer("'", "''", `\`, "").Replace(sql) + "'")
		if err != nil || len(quoted.params) > 0 {
			t.Fatalf("in quotes %q has parameters %v, %v", sql, quoted, err)
		}
	})
}

func TestPathOfAParameter(t *testing.T) {
	st, err := Parse("VALUES (:sku, :customer.name?, :{/a~1b/0}, :@id)")
	if err != nil {
		t.Fatal(err)
	}
	want := []jsonpointer.Pointer{{"sku"}, {"customer", "name"}, {"a/b", "0"}, nil}
	for i, p := range st.Parameters() {
		if !slices.Equal(p.Path, want[i]) {
			t.Errorf("%s: %v, want %v", p.Text, p.Path, want[i])
		}
	}
}
