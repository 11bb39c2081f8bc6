// Package sdk drives Tollgate with the official Go SDKs of OpenAI, Anthropic and
// Google, as a program does that was written for them: only the base URL and the
// key are changed. What an SDK cannot read, retries for nothing, or shows otherwise
// than its provider's own answer, fails here.
//
// It is a module of its own, so that the SDKs are no dependency of Tollgate's, and
// holds tests only. test/sdk-node is the same for Node.js.
package sdk
