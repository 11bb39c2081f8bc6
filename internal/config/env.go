package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// envPrefix begins every variable of our own.
const envPrefix = "TOLLGATE_"

// clientVariables belong to the command line, and TOLLGATE_KEY to those who call
// the data plane; none of them sets anything here.
func clientVariables() []string {
	return []string{"TOLLGATE_CONFIG", "TOLLGATE_KEY", "TOLLGATE_URL", "TOLLGATE_TOKEN"}
}

// envName is the variable of a path: limits.max_body_bytes is
// TOLLGATE_LIMITS_MAX_BODY_BYTES.
func envName(path string) string {
	return envPrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(path))
}

// variable is one value that can be set from the environment.
type variable struct {
	path      string // in the file
	composite bool   // a list or a table, which may be given as YAML
	apply     func(d *decoder, n *yaml.Node)
}

// readEnv lays the TOLLGATE_ variables over c, in the order of their names.
func (c *Config) readEnv(env map[string]string) ([]Warning, Problems) {
	known := c.variables(env)
	var warnings []Warning
	var problems Problems
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if !strings.HasPrefix(name, envPrefix) || slices.Contains(clientVariables(), name) {
			continue
		}
		v, ok := known[name]
		if !ok {
			names := append(slices.Sorted(maps.Keys(known)), clientVariables()...)
			warnings = append(warnings, Warning{name, "unknown variable, ignored" + hint(name, names)})
			continue
		}
		d := decoder{where: func(*yaml.Node) string { return name }}
		v.set(&d, env[name])
		problems = append(problems, d.problems...)
	}
	return warnings, problems
}

// set applies text: YAML where it begins a list or a table that belongs here,
// else the plain text, whatever YAML would make of it.
func (v variable) set(d *decoder, text string) {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	if v.composite && strings.ContainsAny(text[:1], "[{") {
		if n = d.document([]byte(text)); n == nil {
			d.problems[len(d.problems)-1].Field = v.path
			return
		}
	}
	v.apply(d, n)
}

// variables lists everything that can be set from the environment, by name. env
// is asked for providers that only it names.
func (c *Config) variables(env map[string]string) map[string]variable {
	vs := map[string]variable{}
	addVariables(vs, "", reflect.ValueOf(c).Elem())
	for _, slug := range c.slugs(env) {
		for _, f := range fieldsOf(reflect.ValueOf(Provider{})) {
			v := c.providerVariable(slug, f.name)
			vs[envName(v.path)] = v
			short := envName(slug + "." + f.name)
			if _, taken := vs[short]; !taken && (f.name == "base_url" || f.name == "api_key") {
				vs[short] = v
			}
		}
	}
	return vs
}

// addVariables adds the values of a struct, and of the structs in it.
func addVariables(vs map[string]variable, path string, v reflect.Value) {
	for _, f := range fieldsOf(v) {
		at := join(path, f.name)
		kind := f.value.Kind()
		if kind == reflect.Struct && !isLeaf(f.value.Type()) {
			addVariables(vs, at, f.value)
			continue
		}
		vs[envName(at)] = variable{
			path:      at,
			composite: kind == reflect.Map || kind == reflect.Slice,
			apply:     func(d *decoder, n *yaml.Node) { d.value(at, n, f.value) },
		}
	}
}

// providerVariable sets a field of a provider, which it adds when needed.
func (c *Config) providerVariable(slug, name string) variable {
	path := "providers." + slug + "." + name
	return variable{path: path, composite: name == "passthrough", apply: func(d *decoder, n *yaml.Node) {
		p := c.Providers[slug]
		for _, f := range fieldsOf(reflect.ValueOf(&p).Elem()) {
			if f.name == name {
				d.value(path, n, f.value)
			}
		}
		c.setProvider(slug, p)
	}}
}

func (c *Config) setProvider(slug string, p Provider) {
	if c.Providers == nil {
		c.Providers = map[string]Provider{}
	}
	c.Providers[slug] = p
}

// slugs is every provider there may be a variable for: the built-in ones, those
// of the file, and those that a TOLLGATE_PROVIDERS_ variable names.
func (c *Config) slugs(env map[string]string) []string {
	slugs := slices.Collect(maps.Keys(c.Providers))
	for _, b := range builtins() {
		slugs = append(slugs, b.slug)
	}
	for name := range env {
		rest, ok := strings.CutPrefix(name, envName("providers")+"_")
		if !ok {
			continue
		}
		for _, f := range fieldsOf(reflect.ValueOf(Provider{})) {
			if slug, ok := strings.CutSuffix(rest, "_"+strings.ToUpper(f.name)); ok && slug != "" {
				slugs = append(slugs, strings.ToLower(strings.ReplaceAll(slug, "_", "-")))
			}
		}
	}
	slices.Sort(slugs)
	return slices.Compact(slugs)
}
