package api

// CleanedUp is what cleaning up did.
type CleanedUp struct {
	Count        int `json:"count" doc:"Keys that had expired and were cleaned up." example:"1200"`
	Disabled     int `json:"disabled" doc:"Of these, the ones that were disabled." example:"1180"`
	Deleted      int `json:"deleted" doc:"Of these, the ones that were deleted." example:"20"`
	SecretsWiped int `json:"secrets_wiped" doc:"Secrets that had been replaced and whose time was over." example:"3"`
}

// Progress tells how far a job is, as a line of an answer in JSON Lines.
type Progress struct {
	Done  int `json:"done" doc:"What is done." example:"500"`
	Total int `json:"total" doc:"Of how many." example:"1200"`
}
