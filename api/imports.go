package api

import "time"

// ImportInput is a batch of keys that another system made.
type ImportInput struct {
	Source      string      `json:"source" maxLength:"100" doc:"The system, and behind a slash which one of them if there are several." example:"litellm"`
	DryRun      bool        `json:"dry_run,omitempty" doc:"Only say what would come of it."`
	CreateUsers bool        `json:"create_users,omitempty" doc:"Make owners that there are not, with the role user."`
	Rows        []ImportRow `json:"rows" nullable:"false" minItems:"1" maxItems:"100"`
}

// ImportRow is one key of another system, in Tollgate's words.
type ImportRow struct {
	SourceID string       `json:"source_id" maxLength:"200" doc:"The row's id there. What was imported under it is not imported again."`
	Secret   ImportSecret `json:"secret"`
	Owner    *ImportOwner `json:"owner,omitempty" doc:"Null or left out: the key is nobody's."`
	Spent    *ImportSpent `json:"spent,omitempty" doc:"What the key has used there: it becomes its first entry in the ledger."`
	Key      KeyInput     `json:"key" doc:"Fields as for creating a key, but for user_id and preset. Limits that are left out have the defaults of a new key; null is no limit."`
}

// ImportSecret is how the other system recognises the key. The key itself is never
// sent.
type ImportSecret struct {
	Scheme string `json:"scheme" enum:"sha256,knox,bcrypt" doc:"knox is the SHA-512 of django-rest-knox. A knox or bcrypt hash becomes a SHA-256 when the key is first used."`
	Digest string `json:"digest" doc:"Hexadecimal; of bcrypt the hash as it is."`
	Prefix string `json:"prefix,omitempty" maxLength:"8" doc:"The key's first characters, to recognise it by; bcrypt needs all 8."`
}

// ImportOwner is the user that a key belongs to.
type ImportOwner struct {
	Email string `json:"email"`
	Name  string `json:"name,omitempty" doc:"Of a user that is made for it."`
}

// ImportSpent is what a key has used elsewhere.
type ImportSpent struct {
	CostUSD string     `json:"cost_usd,omitempty" example:"12.50"`
	Tokens  int64      `json:"tokens,omitempty" minimum:"0"`
	At      *time.Time `json:"at,omitempty" doc:"It counts in the day, week and month that this is in; left out, in the present ones."`
}

// ImportReport says what came of each row, in their order.
type ImportReport struct {
	Results     []ImportResult `json:"results" nullable:"false"`
	Created     int            `json:"created"`
	WouldCreate int            `json:"would_create" doc:"In a dry run."`
	Exists      int            `json:"exists"`
	Refused     int            `json:"refused"`
}

// ImportResult says what came of one row.
type ImportResult struct {
	SourceID    string       `json:"source_id"`
	Outcome     string       `json:"outcome" enum:"created,would_create,exists,refused"`
	KeyID       *string      `json:"key_id" doc:"Of the key that was made, now or before."`
	UserID      *string      `json:"user_id" doc:"Of its owner."`
	UserCreated bool         `json:"user_created" doc:"The owner was made for it, or would be."`
	Code        *string      `json:"code" doc:"Why it was refused."`
	Detail      *string      `json:"detail"`
	Errors      []FieldError `json:"errors,omitempty" doc:"Every wrong field."`
}
