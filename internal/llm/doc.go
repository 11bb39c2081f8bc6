// Package llm holds the words that formats, prices, policy and limits share:
// what a call asks for, and what it used. It has no behaviour beyond sums.
package llm
