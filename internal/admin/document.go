package admin

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/api"
)

// humaConfig is huma without its own pages: they load scripts from elsewhere, and
// its document handlers build the text without a lock.
func (s *service) humaConfig(version string) huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	alias[string](registry)
	alias[int64](registry)
	alias[float64](registry)
	alias[bool](registry)
	alias[time.Time](registry)
	alias[[]string](registry)
	registry.RegisterTypeAlias(reflect.TypeFor[api.Optional[map[string]bool]](), reflect.TypeFor[*map[string]*bool]()) // null takes a word out
	alias[api.DefaultPrice](registry)
	alias[api.CustomConfigInput](registry)
	alias[map[string]*string](registry)
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Tollgate management API", Version: version,
				Description: openingText, License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			Servers: []*huma.Server{{URL: "/", Description: "The server that this document came from."}},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"managementKey": {Type: "http", Scheme: "bearer", BearerFormat: s.authority.ManagementPrefix() + "…", Description: "A management key. Keys of the data plane do not work here."},
				},
			},
		},
		Formats: map[string]huma.Format{
			"application/json": {Marshal: marshal, Unmarshal: keepRaw},
			"json":             {Marshal: marshal, Unmarshal: keepRaw}, // …+json
		},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{s.translate},
	}
}

// alias documents an optional field as its value, or null.
func alias[T any](registry huma.Registry) {
	registry.RegisterTypeAlias(reflect.TypeFor[api.Optional[T]](), reflect.TypeFor[*T]())
}

func marshal(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// keepRaw decodes nothing: handlers get bodies as they were sent.
func keepRaw(data []byte, v any) error {
	*v.(*json.RawMessage) = bytes.Clone(data) // huma uses the buffer again
	return nil
}

// bodySchema describes a body by its type, whatever the handler takes it as.
func (s *service) bodySchema(body any) *huma.RequestBody {
	schema := s.schema(reflect.TypeOf(body))
	return &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
}

// answerSchema describes an answer that its handler writes itself.
func (s *service) answerSchema(r route) *huma.Response {
	forms := map[string]*huma.MediaType{"application/json": {Schema: s.schema(reflect.TypeOf(r.answer))}}
	if r.also != "" {
		forms[r.also] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return &huma.Response{Description: http.StatusText(http.StatusOK), Content: forms}
}

func (s *service) schema(t reflect.Type) *huma.Schema {
	return s.huma.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// document is the OpenAPI document, made once: it never changes while the
// program runs.
func (s *service) document() []byte {
	doc := s.huma.OpenAPI()
	for _, theirs := range []string{"ErrorModel", "ErrorDetail"} {
		delete(doc.Components.Schemas.Map(), theirs) // huma's own error type, which is never sent
	}
	allowNulls(doc.Components.Schemas)
	s.describe(doc)
	doc.Components.Schemas = inOrder{doc.Components.Schemas}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		panic(err) // a mistake in the types, met by the first test
	}
	return text
}

// allowNulls describes as nullable what may be null: huma leaves out pointers to
// structs, maps, and the null that a list of words must then contain.
func allowNulls(registry huma.Registry) {
	for name, schema := range registry.Map() {
		t := registry.TypeFromRef("#/components/schemas/" + name)
		for _, f := range reflect.VisibleFields(t) {
			tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			property := schema.Properties[tag]
			said := f.Tag.Get("nullable")
			if property == nil || said == "false" || said == "" && (!maybeNull(f.Type) || strings.Contains(options, "omitempty")) {
				continue
			}
			if property.Ref != "" {
				*property = huma.Schema{
					Description: property.Description,
					OneOf:       []*huma.Schema{{Ref: property.Ref}, {Type: "null"}},
				}
				continue
			}
			property.Nullable = true
			if property.Enum != nil {
				property.Enum = append(property.Enum, nil)
			}
		}
	}
}

// inOrder is a registry that writes the fields of each type in the order in which
// it declares them, which is an order for readers.
type inOrder struct{ huma.Registry }

// MarshalJSON writes the schemas by name.
func (r inOrder) MarshalJSON() ([]byte, error) {
	schemas := map[string]json.RawMessage{}
	for name, schema := range r.Map() {
		text, err := json.Marshal(schema)
		if err != nil {
			return nil, err
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			return nil, err
		}
		if schema.Properties != nil {
			var properties ordered
			for _, field := range jsonNames(r.TypeFromRef("#/components/schemas/" + name)) {
				if p := schema.Properties[field]; p != nil {
					properties = append(properties, member{field, p})
				}
			}
			if members["properties"], err = json.Marshal(properties); err != nil {
				return nil, err
			}
		}
		if schemas[name], err = json.Marshal(members); err != nil {
			return nil, err
		}
	}
	return json.Marshal(schemas)
}

// maybeNull reports whether a field of this type is written as null, or may be.
func maybeNull(t reflect.Type) bool {
	_, optional := reflect.Zero(t).Interface().(interface{ IsNull() bool })
	return optional || t.Kind() == reflect.Pointer
}
