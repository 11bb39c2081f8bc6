package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// The first signal asks the command to finish; with the handler gone, the
	// second one ends the process at once.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program: it does what args ask for and returns the exit code.
// It takes nothing from the process but what it is given, so tests start the
// real thing.
func run(ctx context.Context, args, env []string, stdin io.Reader, stdout, stderr io.Writer) int {
	t := &terminal{env: env, stdin: stdin, stdout: stdout, stderr: stderr}
	command, code := parse(t, args)
	if command == nil {
		return code
	}
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(); err != nil {
		return t.fail(err)
	}
	return exitDone
}
