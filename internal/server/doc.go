// Package server builds the whole program from a configuration, owns its
// listeners, and starts and drains it. It is the only package that knows every
// other, and has no behaviour of its own beyond that.
package server
