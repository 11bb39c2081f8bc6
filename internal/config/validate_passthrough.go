package config

import "strings"

func (v *validator) passthrough(path string, r Passthrough) {
	v.want(strings.HasPrefix(r.Path, "/") && printable(r.Path), path+".path", r.Path, "must be a path at the provider, like /v1/files*")
	pointers := r.InputTokens != "" || r.OutputTokens != ""
	ways := 0
	for _, set := range [...]bool{r.Free, r.Request != nil, r.Usage != "", pointers} {
		if set {
			ways++
		}
	}
	v.want(ways == 1, path, "", "needs one of free, request, usage, and input_tokens with output_tokens")
	for name, pointer := range map[string]string{"input_tokens": r.InputTokens, "output_tokens": r.OutputTokens} {
		v.want(pointer == "" || strings.HasPrefix(pointer, "/"), path+"."+name, pointer, "must be a JSON pointer, like /usage/input")
	}
	counted := r.Usage != "" || pointers
	v.want(!counted || r.MaxInputTokens+r.MaxOutputTokens > 0, path+".max_input_tokens", "", "is needed, or max_output_tokens: what is held for a request")
	v.want(counted || r.Model == "" && r.MaxInputTokens == 0 && r.MaxOutputTokens == 0, path, "", "says model, max_input_tokens or max_output_tokens without usage")
	v.want(printable(r.Model), path+".model", r.Model, "must be the name of a model, without blanks")
}
