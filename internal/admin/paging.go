package admin

import (
	"slices"

	"tollgate/internal/fault"
)

// Paging is which part of a list is wanted, where the whole list is at hand.
type Paging struct {
	Page  int    `query:"page" minimum:"1" maximum:"1000000" default:"1" doc:"Which page, from 1."`
	Size  int    `query:"size" minimum:"1" maximum:"1000" default:"100" doc:"The most that a page holds."`
	After string `query:"after" maxLength:"700" doc:"Id of the last one already seen; what follows it is listed, and total is what is left. Page then means nothing."`
}

// part is the part of a list that q asks for, and how many there are from where
// pages count on.
func part[T any](all []T, q Paging, id func(T) string) (shown []T, total int, err error) {
	if q.After != "" {
		at := slices.IndexFunc(all, func(one T) bool { return id(one) == q.After })
		if at < 0 {
			return nil, 0, invalid([]fault.Field{{Name: "after", Problem: "names nothing in this list; begin anew without it"}})
		}
		all, q.Page = all[at+1:], 1
	}
	return pageOf(all, q.Page, q.Size), len(all), nil
}
