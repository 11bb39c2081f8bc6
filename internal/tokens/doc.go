// Package tokens counts a prompt's tokens where the model's tokeniser is known
// and works offline: OpenAI's models, with OpenAI or on Azure. For others it
// says so, and bounds the tokens by the bytes.
//
// A count is a bound that a hold is taken for, so it must never be below the
// provider's. The vocabularies are OpenAI's own, but the library that holds them
// cuts text by a regular expression which it gets wrong where white space holds
// several line breaks, takes a time that grows with the square of such white
// space, and knows no characters newer than Go's tables. So a text is first cut
// here, in one pass, at places that no token crosses, and only what lies between
// them and is plain and short goes to the library. All else counts a token for
// each byte, which no tokeniser passes. The work is linear in the size of the
// text, whatever is in it.
//
// A special token in a text, such as <|endoftext|>, counts as the text that it
// is: several tokens, where a provider that took it for itself would count one.
//
// It does not know formats: which texts a request has, and what templates put
// around them, is told to it. The proxy calls it when the bound by bytes does not
// fit, and to estimate an answer without usage.
package tokens
