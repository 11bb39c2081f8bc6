// Package simulate is a provider that needs nothing outside: it answers in the
// OpenAI, Anthropic, Gemini and Cohere formats, OpenAI's also
// as Azure's deployments have it, streaming and not, with usage, and it
// misbehaves on request. The demo runs on it, tests break it, and the benchmark
// uses it as the thing behind every gateway.
//
// It does not understand what it is asked: an answer is a fixed row of words, as
// many as were asked for, and it knows no prices. A word is one token for the
// usual tokenisers, four bytes with its space.
//
// Its invariant is an honest bill: the input tokens are counted from the texts
// that came, never more than the bytes of the body + 256 + 16 for each message;
// the output tokens are what is written, never more than the request's cap; and
// what was billed is in the account before the first byte of the answer leaves,
// whole, also when the answer is then cut, hung or abandoned. That is the worst
// case for whoever keeps a meter in front of it.
//
// Each request can say in its headers how it wants to be treated, in place of
// what Options say:
//
//	X-Simulate-Output-Tokens: 100       tokens of each choice, reasoning included (32)
//	X-Simulate-Input-Tokens: 9000       billed in place of what was counted
//	X-Simulate-Reasoning-Tokens: 40     of the output, hidden
//	X-Simulate-Cached-Tokens: 1000      of the input, read from a cache
//	X-Simulate-Cache-Write-Tokens: 500  of the input, written to a cache (Anthropic)
//	X-Simulate-Cache-Write-1h-Tokens: 9 of those, for an hour
//	X-Simulate-Input-Audio-Tokens: 64   of the input, sound that was not cached
//	X-Simulate-Seconds: 60              of sound that was heard (9)
//	X-Simulate-Latency: 50ms            wait before the headers
//	X-Simulate-Chunk-Delay: 5ms         wait before each chunk of a stream
//	X-Simulate-Chunks: 100              chunks of a stream (one a token, at most 100)
//	X-Simulate-Tool: name               answer with a call of this tool, when tools are given
//	X-Simulate-Tool-Calls: 2            so many calls of it at once (1)
//	X-Simulate-Fault: …                 one of:
//	    status=429      any error status; nothing is billed
//	    cut             drop the connection in the middle of the answer
//	    cut-before      drop it before any byte
//	    hang            answer nothing until the caller goes
//	    hang-mid        stop in the middle of the answer until the caller goes
//	    no-usage        leave the usage out
//	    usage-twice     give the usage twice, the first time half of it
//	    bad-json        break the JSON of the answer, or of one chunk
//	    gzip            compress, although nobody asked for it
//	    error-mid       break a stream off with an error in the provider's form
//	    novelties       comments, pings, and events and members that nobody knows
//
// Every credential is taken, but "invalid" is answered with 401. GET
// /simulate/served and /simulate/stats show the account, POST /simulate/reset
// empties it.
//
// The server builds it for the demo, and tests and the benchmark for themselves.
package simulate
