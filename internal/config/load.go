package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Load reads the file at path, "" for none, lays the environment (as os.Environ
// gives it) over it, and that over the defaults. The error is Problems, or that
// of reading the file.
//
// The Config is never nil. With an error it holds what could be read, so that
// Validate can tell what else is wrong; nothing should be started from it.
func Load(path string, environ []string) (*Config, []Warning, error) {
	c := Default()
	var problems Problems
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return c, nil, fmt.Errorf("the configuration file cannot be read: %w", err)
		}
		problems = c.readFile(filepath.Base(path), text)
	}
	env := environment(environ)
	warnings, wrong := c.readEnv(env)
	problems = append(problems, wrong...)
	warnings = append(warnings, c.completeProviders(env)...)
	return c, warnings, problems.err()
}

// readFile lays the text of a file over c.
func (c *Config) readFile(name string, text []byte) Problems {
	d := decoder{where: func(n *yaml.Node) string {
		if n.Line == 0 {
			return name
		}
		return fmt.Sprintf("%s line %d", name, n.Line)
	}}
	if doc := d.document(text); doc != nil {
		d.value("", doc, reflect.ValueOf(c).Elem())
	}
	return d.problems
}

// environment is the variables by name, without blanks around their values. An
// empty one counts as not set, which is what most tools make of a variable that
// was left out.
func environment(environ []string) map[string]string {
	env := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if value = strings.TrimSpace(value); value != "" {
			env[name] = value
		} else {
			delete(env, name)
		}
	}
	return env
}
