// Command tollgate is the server and its command line.
//
// serve and demo start the server in this process; every other command is a
// caller of the management API through package client and knows nothing that
// another program could not know. There is one file per noun.
//
// Exit codes: 0 done, 1 refused or failed, 2 wrong usage. What was asked for
// goes to the standard output, everything else to the standard error.
package main

//go:generate go test . -run TestReference -update
