// Package config is every value an operator can set: one YAML file, the same
// values as TOLLGATE_… variables, and the defaults.
//
// The structs of config.go are the whole list. A field's yaml tag is its name
// in the file, its variable is derived from that, its range and oneof tags say
// what is allowed, and its comment is its entry in docs/configuration.md, which
// a test writes (go test ./internal/config -update) and holds up to date.
//
// Load lets the environment win over the file and the file over the defaults;
// flags are laid over the result by whoever has them, and then Validate looks
// at all of it. Both report everything that is wrong at once, by field, and
// never show a secret: secrets are secret.Text from the moment they are read.
//
// The package decides nothing and starts nothing. It does not know what other
// packages make of the values, so it uses plain types only. The server and the
// command line call it.
package config

//go:generate go test . -run TestReference -update
