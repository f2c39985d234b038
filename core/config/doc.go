// Package config loads a Crossdock project: a folder of files that live in
// version control.
//
//	crossdock.yaml        settings of the installation
//	connections/*.yaml    one file per connected system
//	partners/*.yaml       trading partners, referred to by connections
//	routes/*.yaml         where documents come from and go to
//	mappings/             what documents become
//	.env                  optional NAME=value lines for ${env:NAME} on a laptop
//
// [Load] reads everything and returns every problem at once, each with file,
// line, column and a hint. Secrets are written as references, ${env:NAME} or
// ${file:path}, resolved here and never logged.
package config
