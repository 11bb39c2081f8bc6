package admin

import (
	"encoding/json"
	"strconv"
	"strings"

	"tollgate/internal/fault"
)

// ref names the object of an operation.
type ref struct {
	ID string `path:"id" doc:"Id of the object." example:"key_01920f5e-7c1b-7e3a-9c55-3f1d2a6b8c90"`
}

// removal names an object, and the version that is meant.
type removal struct {
	ID      string `path:"id" doc:"Id of the object."`
	IfMatch string `header:"If-Match" doc:"The ETag of the version that is meant; without it, the newest."`
}

// change is new fields for an object, and the version that they are meant for.
type change struct {
	ID      string `path:"id" doc:"Id of the object."`
	IfMatch string `header:"If-Match" doc:"The ETag of the version that is meant; without it, the newest."`
	Body    json.RawMessage
}

// etag is a version as an entity tag (RFC 9110, section 8.8.3).
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// ifVersion reads an If-Match header: the version it names, or 0 for any. Only
// one tag is taken, and a weak one never matches (RFC 9110, section 13.1.1).
func ifVersion(ifMatch string) (int64, error) {
	tag := strings.TrimSpace(ifMatch)
	if tag == "" || tag == "*" {
		return 0, nil
	}
	if inner, ok := strings.CutPrefix(tag, `"`); ok {
		if inner, ok = strings.CutSuffix(inner, `"`); ok {
			if v, err := strconv.ParseInt(inner, 10, 64); err == nil && v > 0 {
				return v, nil
			}
		}
	}
	return 0, fault.New(fault.PreconditionFailed, `No version has this If-Match tag. Send the ETag of the object as it was answered, like "3".`)
}
