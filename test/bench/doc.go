// Command bench measures what a request costs on its way through Tollgate, beside
// a bare httputil.ReverseProxy, nginx where it is installed, and no proxy at all.
//
//	go run ./test/bench            all scenarios, at most 4 minutes
//	go run ./test/bench -quick     the same with fewer requests, at most 40 seconds
//	go run ./test/bench -json out.json -targets direct,rp,tollgate -scenarios 1kb/64
//
// Every target is a process of its own on a loopback port, in front of one
// simulated provider, which is a process too. Tollgate runs with all that it does:
// key check, seven limits, a hard budget and durable entries. The load is a closed
// loop of kept connections with a fixed number of requests for each round; rounds
// of all targets take turns, so that what disturbs the machine disturbs all.
//
// The figure that matters is CPU time for each request, read from the process's
// own CPU clock once the process is at rest again, so that work done after the
// answer is counted. Every answer is checked: a status other than 200 or a body of
// another length than the provider sends ends the target's run as failed.
//
// Streams are timed to the first byte of their body. Long ones show what a chunk
// costs beside which the request itself is little; a thousand that are open at once
// show what they add to the memory that the proxy had before.
//
// It uses Linux's process clocks and /proc.
package main
