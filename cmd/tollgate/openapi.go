package main

import "tollgate/internal/server"

// openAPICmd prints the document of the management API.
type openAPICmd struct{}

// Help shows examples.
func (openAPICmd) Help() string {
	return `It is the document of this version of the program; a running server serves its own at /openapi.json, and a page of it at /docs.

Examples:

	tollgate openapi > openapi.json`
}

// Run prints the document.
func (openAPICmd) Run(t *terminal) error {
	text, err := server.OpenAPI(version())
	if err == nil {
		t.printf("%s\n", text)
	}
	return err
}
