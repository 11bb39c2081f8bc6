package admin

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"tollgate/api"
	"tollgate/internal/fault"
)

// sample is an example in the document: a body that the operation takes, or an
// answer that it gives.
type sample struct {
	name  string // a word
	about string // what is special about it
	value any
}

const openingText = `Tollgate issues keys, says what each may ask for and how much, and never lets one pass its cap. This is the interface that manages it; the command line and the Go client speak it too.

Every call needs a management key in the header ` + "`Authorization: Bearer tgm_…`" + `. Keys of the data plane (` + "`tg_…`" + `) do not work here, and management keys do not work there. What one may not see does not exist: it is answered with 404.

Bodies and answers are JSON. Amounts of money are decimal text in US dollars in fields that end in ` + "`_usd`" + `; ` + "`…_cents`" + ` is a whole number of US cents. Instants are RFC 3339 in UTC and end in ` + "`_at`" + `. A limit or list that is null restricts nothing, and 0 denies. In a change, what is left out stays, and null lifts.

Every error is a problem document (RFC 9457, ` + "`application/problem+json`" + `) with a stable ` + "`code`" + ` for programs, a text for people, every wrong field at once, and the request id that names the line in the server's log.

Everything that can be changed has a ` + "`version`" + `, which is its ETag: sent back as ` + "`If-Match`" + `, a change is made only if nobody else has made one meanwhile. A POST with an ` + "`Idempotency-Key`" + ` can be sent again when its answer was lost. Lists take ` + "`page` and `size`, or `after`" + ` with the id of the last one seen, which is as fast on the thousandth page as on the first.`

// sections are the groups of operations, in the order in which the document shows
// them.
func sections() []*huma.Tag {
	return []*huma.Tag{
		{Name: "api-keys", Description: "Keys of the data plane: who they belong to, what they may ask for and how much, their secrets, their money and their end. Every restriction that is stored is enforced, and a change is in force when its answer is sent."},
		{Name: "chatbots", Description: "Models with instructions under addresses of their own, and which keys open them. What a chatbot lays down no caller can change; its limits count beside those of the key."},
		{Name: "users", Description: "People of the organization: they own keys, their limits apply to all of their keys together, and disabling one stops every key of theirs."},
		{Name: "roles", Description: "What users of each kind may do, as patterns of permissions."},
		{Name: "management-keys", Description: "Keys of this interface, each with permissions of its own. One that acts for a user can do no more than that user."},
		{Name: "credentials", Description: "Providers' credentials that users and the organization bring along. Requests that one pays for count on its limits and cost the platform nothing. Secrets are sealed and shown nowhere."},
		{Name: "presets", Description: "What a key can start from, so that its maker need not name every field."},
		{Name: "models", Description: "The models that are known here, at which provider, how much they read and write, and what they cost."},
		{Name: "prices", Description: "What is charged for a model, by the class of token, image, second, character or search. Entries of the ledger keep the prices that they were charged at."},
		{Name: "vault", Description: "The keyset that secrets are sealed with which are stored to be used again, and its rotation."},
		{Name: "organization", Description: "Who runs this installation: its time zone, its limits over all keys, and what it does with expired keys and unpriced models."},
		{Name: "usage", Description: "What was used: one row for each request that was forwarded, and sums of them. They equal the ledger to the nano-dollar."},
		{Name: "explain", Description: "What the gate would say to a request, rule by rule, without taking anything from any limit."},
		{Name: "audit", Description: "What was done and refused, by whom and from where. Events are a chain of hashes: what is changed or taken out is found."},
	}
}

// thing is what the last id in a path names, and an example of one; "" for what is
// not known here.
func thing(path string) (noun, example string) {
	segments := strings.Split(path, "/")
	for i, segment := range segments[1:] {
		if !strings.HasPrefix(segment, "{") {
			continue
		}
		switch segments[i] {
		case "api-keys":
			noun, example = "key", exampleKey
		case "chatbots":
			noun, example = "chatbot", exampleChatbot
		case "users":
			noun, example = "user", exampleUser
		case "credentials":
			noun, example = "credential", exampleCredential
		case "management-keys":
			noun, example = "management key", exampleManagementKey
		}
	}
	return noun, example
}

const (
	responsePlace = "#/components/responses/"
	anyProblem    = "Problem"
)

// describe completes what huma has made of the operations: errors with their
// codes, examples, and what parameters mean.
func (s *service) describe(doc *huma.OpenAPI) {
	doc.Components.Responses = map[string]*huma.Response{anyProblem: s.problemsWith(http.StatusInternalServerError, []fault.Kind{fault.Internal})}
	other := doc.Components.Responses[anyProblem]
	other.Content[api.ProblemMediaType].Schema = s.schema(reflect.TypeFor[api.Problem]())
	other.Description = "A problem document. Its code says what happened."
	doc.Tags = sections()
	for pattern, item := range doc.Paths {
		delete(doc.Paths, pattern)
		doc.Paths[strings.ReplaceAll(pattern, "...}", "}")] = item // the mux's word for "and what follows"
	}
	for path, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Delete, item.Patch} {
			if op != nil {
				s.describeOperation(doc, path, op)
			}
		}
	}
}

func (s *service) describeOperation(doc *huma.OpenAPI, path string, op *huma.Operation) {
	r := s.described[op.OperationID]
	a := asks{object: strings.Contains(path, "{"), body: r.body != nil, post: r.method == http.MethodPost}
	for _, p := range op.Parameters {
		a.ifMatch = a.ifMatch || p.Name == "If-Match"
		describeParam(path, p)
	}
	byStatus := map[int][]fault.Kind{}
	for _, code := range r.allCodes(a) {
		status := api.Status(string(code))
		byStatus[status] = append(byStatus[status], code)
	}
	for status, codes := range byStatus {
		op.Responses[strconv.Itoa(status)] = s.refusalResponse(doc, status, codes)
	}
	op.Responses["default"] = &huma.Response{Ref: responsePlace + anyProblem}
	if op.RequestBody != nil {
		for _, media := range op.RequestBody.Content {
			setExamples(media, r.samples)
		}
	}
	for status, response := range op.Responses {
		if strings.HasPrefix(status, "2") {
			s.describeAnswer(doc, r, response)
		}
	}
}

// describeParam says of an id in a path what it is the id of.
func describeParam(path string, p *huma.Param) {
	if p.In != "path" {
		return
	}
	if p.Schema != nil && len(p.Schema.Examples) > 0 {
		p.Example, p.Schema.Examples = p.Schema.Examples[0], nil
	}
	if noun, example := thing(path); p.Name == "id" && noun != "" {
		p.Description, p.Example = "Id of the "+noun+".", example
	}
}

// describeAnswer gives a successful answer its words and an example: that of the
// route, or else the one that the examples of its fields make.
func (s *service) describeAnswer(doc *huma.OpenAPI, r route, response *huma.Response) {
	if r.returns != "" {
		response.Description = r.returns
	}
	for mediaType, media := range response.Content {
		switch {
		case mediaType == r.also:
			media.Example = r.alsoSample
		case len(r.answers) > 0:
			setExamples(media, r.answers)
		case media.Schema != nil:
			media.Example = compose(doc.Components.Schemas, media.Schema)
		}
	}
	for name, h := range response.Headers {
		if name == "ETag" {
			h.Example = `"1"`
		}
	}
}

// setExamples writes examples in their order, the simplest first, which huma's own
// field would lose.
func setExamples(media *huma.MediaType, samples []sample) {
	if len(samples) == 0 {
		return
	}
	var examples ordered
	for _, one := range samples {
		examples = append(examples, member{one.name, &huma.Example{Summary: one.about, Value: one.value}})
	}
	media.Extensions = map[string]any{"examples": examples}
}

// refusalResponse is a reference to the answer with a status and these codes,
// which operations share.
func (s *service) refusalResponse(doc *huma.OpenAPI, status int, codes []fault.Kind) *huma.Response {
	slices.Sort(codes)
	codes = slices.Compact(codes)
	words := make([]string, len(codes))
	for i, code := range codes {
		words[i] = string(code)
	}
	name := strings.ReplaceAll(http.StatusText(status), " ", "") + "-" + strings.Join(words, "-")
	if doc.Components.Responses[name] == nil {
		doc.Components.Responses[name] = s.problemsWith(status, codes)
	}
	return &huma.Response{Ref: responsePlace + name}
}

// problemsWith describes a problem document with one of these codes.
func (s *service) problemsWith(status int, codes []fault.Kind) *huma.Response {
	var words []any
	var lines []string
	examples := map[string]*huma.Example{}
	for _, code := range codes {
		text, ok := refusalText(code)
		if !ok {
			panic("admin: refusalTexts says nothing of " + string(code)) // met by the first test
		}
		words = append(words, string(code))
		lines = append(lines, "`"+string(code)+"`: "+text.means)
		examples[string(code)] = &huma.Example{Summary: text.means, Value: text.problem(status)}
	}
	problem := &huma.Schema{AllOf: []*huma.Schema{
		s.schema(reflect.TypeFor[api.Problem]()),
		{Type: huma.TypeObject, Properties: map[string]*huma.Schema{
			"status": {Type: huma.TypeInteger, Enum: []any{status}},
			"code":   {Type: huma.TypeString, Enum: words},
		}},
	}}
	return &huma.Response{
		Description: strings.Join(lines, "\n\n"), Headers: refusalHeaders(status),
		Content: map[string]*huma.MediaType{api.ProblemMediaType: {Schema: problem, Examples: examples}},
	}
}

func refusalHeaders(status int) map[string]*huma.Param {
	headers := map[string]*huma.Param{
		requestIDHeader: {Description: "Names the line in the server's log.", Schema: &huma.Schema{Type: huma.TypeString}, Example: exampleRequestID},
	}
	if status == http.StatusUnauthorized {
		headers["WWW-Authenticate"] = &huma.Param{
			Description: "How to identify oneself.", Schema: &huma.Schema{Type: huma.TypeString}, Example: `Bearer realm="tollgate"`,
		}
	}
	return headers
}

const exampleRequestID = "req_4tqzjdbnnkyqhxqgpzk3m7wgxe"

// problem is an answer with the code.
func (r refusal) problem(status int) api.Problem {
	p := api.Problem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: r.detail,
		Code: string(r.code), Param: r.param, RequestID: exampleRequestID,
	}
	if r.wrong != "" {
		p.Errors = []api.FieldError{{Field: r.param, Message: r.wrong}}
	}
	return p
}

// ordered is an object whose names keep their order.
type ordered []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the names in their order.
func (o ordered) MarshalJSON() ([]byte, error) {
	text := []byte{'{'}
	for i, m := range o {
		if i > 0 {
			text = append(text, ',')
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		text = append(strconv.AppendQuote(text, m.name), ':')
		text = append(text, value...)
	}
	return append(text, '}'), nil
}

// compose makes an example of a schema from the examples of its fields: null where
// it may be null, the first of its words, and what else is the least.
func compose(registry huma.Registry, s *huma.Schema) any {
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Ref != "":
		return composeObject(registry, s.Ref)
	case s.Nullable, len(s.OneOf) > 0:
		return nil
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	switch s.Type {
	case huma.TypeArray:
		if s.Items.Ref == "" {
			return []any{}
		}
		return []any{compose(registry, s.Items)}
	case huma.TypeObject:
		return map[string]any{}
	case huma.TypeBoolean:
		return false
	case huma.TypeString:
		return ""
	}
	return 0
}

// composeObject is the example of a struct, its fields in their order. What may be
// left out is left out, unless it has an example.
func composeObject(registry huma.Registry, ref string) ordered {
	schema := registry.SchemaFromRef(ref)
	object := ordered{}
	for _, name := range jsonNames(registry.TypeFromRef(ref)) {
		property := schema.Properties[name]
		if property == nil || !slices.Contains(schema.Required, name) && len(property.Examples) == 0 {
			continue
		}
		object = append(object, member{name, compose(registry, property)})
	}
	return object
}
