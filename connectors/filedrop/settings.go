package filedrop

import (
	"path/filepath"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// Pickup is the part of a connector's configuration that says how files are
// read. It is embedded in the connector's configuration struct; Options makes
// a Drop's options of it.
type Pickup struct {
	Match         []string      `json:"match" doc:"Patterns of the names to read (* ? [a-z]); default: every name" role:"source" example:"*.csv"`
	Ignore        []string      `json:"ignore" doc:"Patterns of names never to read; default *.tmp, *.part and *.filepart. Names that begin with a dot are always ignored" role:"source"`
	StableFor     time.Duration `json:"stableFor" doc:"How long size and time of a file must stand still before it counts as complete" default:"5s" role:"source" format:"duration"`
	Every         time.Duration `json:"every" doc:"Time between two looks at the folder" default:"10s" role:"source" format:"duration"`
	MaxSize       int64         `json:"maxSize" doc:"Largest file; larger ones are quarantined unread" default:"64MiB" role:"source" format:"bytes"`
	ArchiveFolder string        `json:"archiveFolder" doc:"Where files go when all their records are safe, in one folder per day; relative to folder, on the same file system" default:"archive" role:"source"`
	ErrorFolder   string        `json:"errorFolder" doc:"Where files go that cannot be understood, each with a .reason.txt; relative to folder, on the same file system" default:"error" role:"source"`
	Order         Order         `json:"order" doc:"Sequence of waiting files: by name, or by time of modification" enum:"name,time" default:"name" role:"source"`
	Duplicates    Duplicates    `json:"duplicates" doc:"What makes a file a repetition of an earlier one, which is put aside: the same content, the same content under the same name, or nothing" enum:"content,name-and-content,never" default:"content" role:"source"`
	Remember      time.Duration `json:"remember" doc:"How long the contents of files are remembered to recognise repetitions" default:"720h" role:"source" format:"duration"`
}

// Options gives the options of a Drop on folder. Its spool is a directory in
// the instance's own data directory.
func (p Pickup) Options(folder, doneFile string, env sdk.Env) Options {
	return Options{
		Folder: folder, Instance: env.Instance, DoneFile: doneFile,
		Match: p.Match, Ignore: p.Ignore, StableFor: p.StableFor, Every: p.Every,
		MaxSize: p.MaxSize, Archive: p.ArchiveFolder, Error: p.ErrorFolder,
		Order: p.Order, Duplicates: p.Duplicates, Remember: p.Remember,
		Spool: filepath.Join(env.DataDir, "spool"), State: env.State, Log: env.Log,
	}
}

// Deposit is the part of a connector's configuration that says how files are
// written. It is embedded in the connector's configuration struct.
type Deposit struct {
	OnExisting Existing `json:"onExisting" doc:"What to do when the name is taken by other content" enum:"refuse,replace" default:"refuse" role:"sink"`
	TempSuffix string   `json:"tempSuffix" doc:"Added to the name while a file is written; the partner must ignore such names" default:".part" role:"sink"`
}

// Options gives the options of Put.
func (d Deposit) Options(doneFile string) PutOptions {
	return PutOptions{TempSuffix: d.TempSuffix, Existing: d.OnExisting, DoneFile: doneFile}
}
