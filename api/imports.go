package api

import "time"

// ImportInput is a batch of keys that another system made.
type ImportInput struct {
	Source      string      `json:"source" maxLength:"100" doc:"The system, and behind a slash which one of them if there are several." example:"litellm"`
	DryRun      bool        `json:"dry_run,omitempty" doc:"Only say what would come of it."`
	CreateUsers bool        `json:"create_users,omitempty" doc:"Make owners that there are not, with the role user."`
	Rows        []ImportRow `json:"rows" nullable:"false" minItems:"1" maxItems:"100" doc:"The keys."`
}

// ImportRow is one key of another system, in Tollgate's words.
type ImportRow struct {
	SourceID string       `json:"source_id" maxLength:"200" doc:"The row's id there. What was imported under it is not imported again." example:"17"`
	Secret   ImportSecret `json:"secret" doc:"How the other system recognises the key."`
	Owner    *ImportOwner `json:"owner,omitempty" doc:"Null or left out: the key is nobody's."`
	Spent    *ImportSpent `json:"spent,omitempty" doc:"What the key has used there: it becomes its first entry in the ledger."`
	Key      KeyInput     `json:"key" doc:"Fields as for creating a key, but for user_id and preset. Limits that are left out have the defaults of a new key; null is no limit."`
}

// ImportSecret is how the other system recognises the key. The key itself is never
// sent.
type ImportSecret struct {
	Scheme string `json:"scheme" enum:"sha256,knox,bcrypt" doc:"knox is the SHA-512 of django-rest-knox. A knox or bcrypt hash becomes a SHA-256 when the key is first used."`
	Digest string `json:"digest" maxLength:"200" doc:"Hexadecimal; of bcrypt the hash as it is." example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Prefix string `json:"prefix,omitempty" maxLength:"8" doc:"The key's first characters, to recognise it by; bcrypt needs all 8." example:"sk-abcde"`
}

// ImportOwner is the user that a key belongs to.
type ImportOwner struct {
	Email string `json:"email" maxLength:"254" doc:"Of a user that there is, unless create_users." example:"ada@example.com"`
	Name  string `json:"name,omitempty" maxLength:"100" doc:"Of a user that is made for it." example:"Ada"`
}

// ImportSpent is what a key has used elsewhere.
type ImportSpent struct {
	CostUSD string     `json:"cost_usd,omitempty" doc:"Money, exactly." example:"12.50"`
	Tokens  int64      `json:"tokens,omitempty" minimum:"0" maximum:"9000000000000000" doc:"Input and output." example:"120000"`
	At      *time.Time `json:"at,omitempty" doc:"It counts in the day, week and month that this is in; left out, in the present ones."`
}

// ImportReport says what came of each row, in their order.
type ImportReport struct {
	Results     []ImportResult `json:"results" nullable:"false" doc:"One for each row, in their order."`
	Created     int            `json:"created" doc:"Keys that were made." example:"97"`
	WouldCreate int            `json:"would_create" doc:"In a dry run: keys that would be made." example:"0"`
	Exists      int            `json:"exists" doc:"Rows that were imported before." example:"2"`
	Refused     int            `json:"refused" doc:"Rows that were not imported; each says why." example:"1"`
}

// ImportResult says what came of one row.
type ImportResult struct {
	SourceID    string       `json:"source_id" doc:"The row's id there." example:"17"`
	Outcome     string       `json:"outcome" enum:"created,would_create,exists,refused" doc:"What came of it."`
	KeyID       *string      `json:"key_id" doc:"Of the key that was made, now or before."`
	UserID      *string      `json:"user_id" doc:"Of its owner."`
	UserCreated bool         `json:"user_created" doc:"The owner was made for it, or would be."`
	Code        *string      `json:"code" doc:"Why it was refused; null = it was not."`
	Detail      *string      `json:"detail" doc:"The same in words."`
	Errors      []FieldError `json:"errors,omitempty" doc:"Every wrong field."`
}
