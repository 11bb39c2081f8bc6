package tollgate_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReferenceCompatibility: the versions in docs/compatibility.md, which the runs
// of the SDKs write, are those that the suites would run now. Whether all of it still
// passes only make sdk can say.
func TestReferenceCompatibility(t *testing.T) {
	text := documents(t)["docs/compatibility.md"]
	if strings.Contains(text, "✗") {
		t.Error("docs/compatibility.md shows what does not work: mend it, and run make compatibility")
	}
	module, err := os.ReadFile("test/sdk/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("test/sdk-node/package.json")
	if err != nil {
		t.Fatal(err)
	}
	var node struct{ Dependencies map[string]string }
	if err := json.Unmarshal(data, &node); err != nil {
		t.Fatal(err)
	}
	stale := func(what, version string) {
		t.Errorf("docs/compatibility.md does not have %s %s: run make compatibility", what, version)
	}
	for name, path := range map[string]string{
		"openai-go": "github.com/openai/openai-go/v3", "anthropic-sdk-go": "github.com/anthropics/anthropic-sdk-go",
		"genai": "google.golang.org/genai", "cohere-go": "github.com/cohere-ai/cohere-go/v2",
	} {
		version := regexp.MustCompile(`(?m)^\s+` + regexp.QuoteMeta(path) + ` (v\S+)`).FindSubmatch(module)
		if version == nil {
			t.Errorf("test/sdk/go.mod does not have %s", path)
		} else if !strings.Contains(text, "| "+name+" | "+string(version[1])+" |") {
			stale(name, string(version[1]))
		}
	}
	for name, version := range node.Dependencies {
		if name != "zod" && name != "ws" && !strings.Contains(text, name+" "+version) { // which others want beside them
			stale(name, version)
		}
	}
}
