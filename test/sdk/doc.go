// Package sdk drives Tollgate with OpenAI's official Go SDK, as a program does
// that was written for OpenAI: only the base URL and the key are changed. What
// the SDK cannot read, retries for nothing, or shows otherwise than OpenAI's own
// answer, fails here.
//
// It is a module of its own, so that the SDK is no dependency of Tollgate's, and
// holds tests only. test/sdk-node is the same for Node.js.
package sdk
