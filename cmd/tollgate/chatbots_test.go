package main

import (
	"reflect"
	"testing"

	"tollgate/api"
)

// Every field that a chatbot's body has can be said by a flag, and the other way
// round.
func TestChatbotFlagsAreTheFields(t *testing.T) {
	fields, flags := fieldNames(reflect.TypeFor[api.ChatbotInput]()), fieldNames(reflect.TypeFor[chatbotFlags]())
	delete(flags, "BudgetUSD") // another way to say BudgetLimitCents
	if !reflect.DeepEqual(fields, flags) || len(fields) < 25 {
		t.Errorf("fields %v\nflags %v", fields, flags)
	}
}

func fieldNames(of reflect.Type) map[string]reflect.Type {
	names := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(of) {
		if !f.Anonymous {
			names[f.Name] = f.Type
		}
	}
	return names
}
