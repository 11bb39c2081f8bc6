//go:build race

package admin_test

// raced says that the race detector watches: everything takes five times as long.
const raced = true
