package admin

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"tollgate/internal/fault"
)

// ref names the object of an operation.
type ref struct {
	ID string `path:"id" doc:"Id of the object."`
}

// version names the object of an operation without a body, and the version that is
// meant.
type version struct {
	ID      string `path:"id" doc:"Id of the object."`
	IfMatch string `header:"If-Match" doc:"The ETag of the version that is meant; without it, the newest."`
}

// order is what is to be done with an object, whatever its version.
type order struct {
	ID   string `path:"id" doc:"Id of the object."`
	Body json.RawMessage
}

// change is new fields for an object, and the version that they are meant for.
type change struct {
	ID      string `path:"id" doc:"Id of the object."`
	IfMatch string `header:"If-Match" doc:"The ETag of the version that is meant; without it, the newest."`
	Body    json.RawMessage
}

// etag is a version as an entity tag (RFC 9110, section 8.8.3).
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// maxTags is how many versions one If-Match may name: each may cost a look-up.
const maxTags = 16

// ifMatching calls change with the versions that an If-Match header names, one
// after the other, until one of them is the present one; with 0, which is any, for
// no header and for "*".
func ifMatching[T any](ifMatch string, change func(version int64) (T, error)) (T, error) {
	versions, err := versionsOf(ifMatch)
	var out T
	for _, v := range versions {
		if out, err = change(v); !errors.Is(err, fault.PreconditionFailed) {
			break
		}
	}
	return out, err
}

// versionsOf reads an If-Match header (RFC 9110, section 13.1.1). Weak tags, and
// tags that were never given out, match nothing.
func versionsOf(ifMatch string) ([]int64, error) {
	ifMatch = strings.TrimSpace(ifMatch)
	if ifMatch == "" || ifMatch == "*" {
		return []int64{0}, nil
	}
	var versions []int64
	for tag := range strings.SplitSeq(ifMatch, ",") {
		inner, opens := strings.CutPrefix(strings.Trim(tag, " \t"), `"`)
		inner, closes := strings.CutSuffix(inner, `"`)
		v, err := strconv.ParseInt(inner, 10, 64)
		if opens && closes && err == nil && v > 0 && etag(v) == `"`+inner+`"` && !slices.Contains(versions, v) {
			versions = append(versions, v)
		}
	}
	switch {
	case len(versions) == 0:
		return nil, fault.New(fault.PreconditionFailed, `No version has this If-Match tag. Send the ETag of the object as it was answered, like "3".`)
	case len(versions) > maxTags:
		return nil, fault.New(fault.PreconditionFailed, "If-Match names more than %d versions. Send the one that is meant.", maxTags)
	}
	return versions, nil
}
