// Package storetest is the suite that every store must pass. A store's own test
// opens a fresh database and hands it over; what the suite asks for is what the
// keepers rely on, so a second database is done when it passes.
package storetest
