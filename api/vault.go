package api

import "time"

// VaultRotation is how far sealing everything anew is.
type VaultRotation struct {
	State          string     `json:"state" enum:"none,running,done,failed" doc:"none: there was no rotation since the start. failed: every secret still opens, and the next one goes on from there." example:"done"`
	KeyID          *string    `json:"key_id" doc:"The fresh key; null while there is none." example:"4b1f09c2"`
	Done           int64      `json:"done" doc:"Values that it has sealed anew." example:"1200"`
	Total          int64      `json:"total" doc:"Values that there are to seal anew." example:"1200"`
	DroppedKeyIDs  []string   `json:"dropped_key_ids" nullable:"false" doc:"Keys that are no longer in the keyset." example:"0a73e511"`
	UnneededKeyIDs []string   `json:"unneeded_key_ids" nullable:"false" doc:"Keys that nothing is sealed with any more, and that cannot be taken out of the keyset from here: it is given by the configuration."`
	Problem        *string    `json:"problem" doc:"Why it was broken off; null when it was not."`
	StartedAt      *time.Time `json:"started_at" doc:"When it began; null is never." example:"2026-11-20T12:00:00Z"`
	EndedAt        *time.Time `json:"ended_at" doc:"When it ended; null while it goes on." example:"2026-11-20T12:00:04Z"`
}
