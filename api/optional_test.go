package api_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"tollgate/api"
)

func TestOptional(t *testing.T) {
	for name, tc := range map[string]struct {
		in   api.KeyInput
		want string
	}{
		"left out":      {api.KeyInput{}, `{}`},
		"null":          {api.KeyInput{RateLimitPerDay: api.Null[int64]()}, `{"rate_limit_per_day":null}`},
		"zero":          {api.KeyInput{TokensPerDay: api.Set[int64](0)}, `{"tokens_per_day":0}`},
		"empty list":    {api.KeyInput{AllowedModels: api.Set([]string{})}, `{"allowed_models":[]}`},
		"text and list": {api.KeyInput{Name: api.Set("x"), Tags: api.Set([]string{"a"})}, `{"name":"x","tags":["a"]}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(tc.in)
			if err != nil || string(got) != tc.want {
				t.Fatalf("%s, %v, want %s", got, err, tc.want)
			}
			var back api.KeyInput
			if err := json.Unmarshal(got, &back); err != nil {
				t.Fatal(err)
			}
			if again, _ := json.Marshal(back); string(again) != tc.want {
				t.Errorf("read and written again: %s, want %s", again, tc.want)
			}
		})
	}
}

func TestOptionalStates(t *testing.T) {
	var o api.Optional[int64]
	if !o.IsZero() || o.IsNull() {
		t.Error("the zero value is not left out")
	}
	if err := json.Unmarshal([]byte("null"), &o); err != nil || o.IsZero() || !o.IsNull() {
		t.Error("null was read as something else")
	}
	if _, ok := o.Get(); ok {
		t.Error("null has a value")
	}
	if err := json.Unmarshal([]byte(`"x"`), &o); err == nil {
		t.Error("text was read as a number")
	}
}

func TestStatusOfUnknownCode(t *testing.T) {
	if got := api.Status("no_such_code"); got != 500 {
		t.Errorf("status %d, want 500", got)
	}
}

func ExampleKeyInput() {
	body, _ := json.Marshal(api.KeyInput{
		Name:             api.Set("ci"),
		BudgetLimitCents: api.Set[int64](500),
		RateLimitPerDay:  api.Null[int64](), // lift it; what is left out keeps its default
	})
	fmt.Println(string(body))
	// Output: {"name":"ci","rate_limit_per_day":null,"budget_limit_cents":500}
}
