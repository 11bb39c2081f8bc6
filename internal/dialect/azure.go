package dialect

import (
	"net/url"
	"strings"

	"tollgate/internal/llm"
)

// azureDeployments is what the paths to Azure's deployments begin with. All else
// below /openai is OpenAI's own (see canonical).
const (
	azurePrefix      = "/openai/"
	azureDeployments = azurePrefix + "deployments/"
)

// deployment is a route of OpenAI's as it is below a deployment of Azure's, which is
// the model that is asked for.
func deployment(path string, r Route) Route {
	r.Method, r.Path, r.Format = "POST", azureDeployments+"{model}"+path, llm.OpenAI
	r.Deployment, r.before, r.after = true, azureDeployments, path
	return r
}

// deployed reads a model's name in a body whose path has named the deployment,
// which is what counts: Azure takes any name here, and its SDKs send what their
// caller wrote. What goes on says the same in both places.
func (r *reader) deployed() {
	if r.null() {
		return
	}
	if r.peek() != '"' {
		r.wrong("model", modelProblem)
		return
	}
	at := r.i
	r.call.asked = string(decoded(r.text()))
	r.call.model = r.since(at)
}

// apiVersion is the version of Azure's API that a query asks for; "" = none. The
// error is for one that no version is called, or for two.
func apiVersion(query string) (string, error) {
	const name = "api-version"
	if !strings.Contains(query, name) {
		return "", nil
	}
	values, _ := url.ParseQuery(query) // what is wrong in it is as if it were not there
	all := values[name]
	if len(all) == 0 || len(all) == 1 && all[0] == "" {
		return "", nil
	}
	if len(all) > 1 || !isAPIVersion(all[0]) {
		return "", invalid(name, "The parameter %q must be one version of Azure's API, like 2024-10-21 or preview, not %q.", name, brief([]byte(strings.Join(all, ","))))
	}
	return all[0], nil
}

func isAPIVersion(v string) bool {
	for _, c := range []byte(v) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '-' && c != '.' {
			return false
		}
	}
	return len(v) <= 32
}

// QueryFor is what of the request's query is for a provider of a kind; "" =
// nothing. Only Azure has versions of OpenAI's API.
func (c *Call) QueryFor(kind string) string {
	if c.Route.Format == llm.OpenAI && kind != "azure" && kind != "demo" {
		return ""
	}
	return c.Query
}

// ToldVersion is the first of Azure's versions whose streams tell their usage, and
// which know the newer name of the output cap. One without a date, or with a later
// one than is known here, is taken for such a version.
const ToldVersion = "2024-09-01"

// Older reports whether the request asks for a version of Azure's API that refuses
// stream_options and max_completion_tokens.
func (c *Call) Older() bool {
	return c.Route.Deployment && c.Query != "" && c.Query < "api-version="+ToldVersion
}

// isDated reports whether a version of the API is one of those with a date, which
// the paths under /openai/v1 do not have.
func isDated(version string) bool { return version[0] >= '0' && version[0] <= '9' }
