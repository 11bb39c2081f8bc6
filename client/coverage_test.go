package client_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"

	"tollgate/client"
	"tollgate/internal/admin"
)

// Every operation of the OpenAPI document has a method of the client: all methods
// are called, and what they ask for is matched with the document.
func TestTheClientCoversEveryOperation(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked[r.Method+" "+r.URL.Path] = true
		mu.Unlock()
		_, _ = io.WriteString(w, "{}")
	}))
	defer server.Close()
	callAll(t, client.New(server.URL, "tgm_x"))

	operations := 0
	for path, methods := range documentPaths(t) {
		for method, id := range methods {
			operations++
			if !covered(asked, strings.ToUpper(method), path) {
				t.Errorf("no method of the client asks for %s (%s %s)", id, strings.ToUpper(method), path)
			}
		}
	}
	if operations < 40 {
		t.Errorf("only %d operations in the document", operations)
	}
}

// callAll calls every exported method with values that mean something.
func callAll(t *testing.T, c *client.Client) {
	v := reflect.ValueOf(c)
	for i := range v.NumMethod() {
		method := v.Type().Method(i)
		var args []reflect.Value
		for j := 1; j < method.Type.NumIn(); j++ {
			if method.Type.IsVariadic() && j == method.Type.NumIn()-1 {
				break
			}
			args = append(args, argument(t, method.Type.In(j)))
		}
		v.Method(i).Call(args) // what comes of it is not what is asked here
	}
}

func argument(t *testing.T, in reflect.Type) reflect.Value {
	switch in {
	case reflect.TypeFor[context.Context]():
		return reflect.ValueOf(t.Context())
	case reflect.TypeFor[io.Writer]():
		return reflect.ValueOf(io.Discard)
	case reflect.TypeFor[io.Reader]():
		return reflect.ValueOf(strings.NewReader("{}"))
	case reflect.TypeFor[any]():
		return reflect.ValueOf(json.RawMessage("{}"))
	}
	if in.Kind() == reflect.String {
		return reflect.ValueOf(theID).Convert(in)
	}
	return reflect.Zero(in)
}

const theID = "the-id"

// covered reports whether one of the requests is that of an operation: every
// parameter of its path was an id.
func covered(asked map[string]bool, method, path string) bool {
	want := strings.Split(path, "/")
	for request := range asked {
		verb, at, _ := strings.Cut(request, " ")
		got := strings.Split(at, "/")
		fits := verb == method && len(got) == len(want)
		for i := 0; fits && i < len(want); i++ {
			fits = got[i] == want[i] || strings.HasPrefix(want[i], "{") && got[i] == theID
		}
		if fits {
			return true
		}
	}
	return false
}

// documentPaths is the operations of the document: path → method → id.
func documentPaths(t *testing.T) map[string]map[string]string {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	text, err := admin.Document("test")
	if err == nil {
		err = json.Unmarshal(text, &doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]map[string]string{}
	for path, methods := range doc.Paths {
		paths[path] = map[string]string{}
		for method, op := range methods {
			paths[path][method] = op.OperationID
		}
	}
	return paths
}
