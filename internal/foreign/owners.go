package foreign

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"tollgate/api"
)

// Owners are the users of the other system, by the ids that its keys have.
type Owners struct{ byID map[string]owner }

type owner struct {
	email, name string
	inactive    bool
}

// ReadOwners reads the table of users: CSV, JSON or JSON lines with an id (user_id
// or id) and an address (email or user_email), and, if there are such columns, a
// name and whether the user is active.
func ReadOwners(r io.Reader) (*Owners, error) {
	rows, err := NewRows(r)
	if err != nil {
		return nil, err
	}
	owners := &Owners{byID: map[string]owner{}}
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return owners, nil
		} else if err != nil {
			return nil, err
		}
		u := readUser(row.values)
		id := textOf(row.values, "user_id", "id")
		switch {
		case id == "":
			return nil, fmt.Errorf("row %d: there is no user_id and no id", row.Number)
		case u.email == "":
			continue
		}
		if known, twice := owners.byID[id]; twice && known != u {
			return nil, fmt.Errorf("row %d: a user with the same id came before, and is another", row.Number)
		}
		owners.byID[id] = u
	}
}

// Len is how many there are.
func (o *Owners) Len() int {
	if o == nil {
		return 0
	}
	return len(o.byID)
}

// textOf is the first of several columns that has a text.
func textOf(values map[string]value, names ...string) string {
	for _, name := range names {
		if s, err := values[name].text(); err == nil && strings.TrimSpace(s) != "" {
			return strings.TrimSpace(s)
		}
	}
	return ""
}

// readUser reads a user as the five systems have them.
func readUser(values map[string]value) owner {
	u := owner{
		email: strings.ToLower(textOf(values, "email", "user_email")),
		name:  textOf(values, "name", "user_alias", "display_name", "username", "full_name"),
	}
	if !strings.Contains(u.email, "@") {
		u.email = ""
	}
	for column, inactive := range map[string]bool{"is_active": false, "blocked": true, "is_deleted": true, "disabled": true} {
		if truth, given, err := values[column].boolean(); given && truth == inactive || err != nil {
			u.inactive = true
		}
	}
	// new-api: 1 is enabled.
	if v, ok := values["status"]; ok && !v.isNull() {
		s, err := v.text()
		u.inactive = u.inactive || err != nil || s != "1" && s != "active"
	}
	if v, ok := values["deleted_at"]; ok && !v.isEmpty() {
		u.inactive = true
	}
	return u
}

// owner finds whose the key is: by the address in the row, by the id, or, if the id
// is an address, by that.
func (r *reading) owner(idColumn string) {
	id := r.text(idColumn)
	u := owner{email: strings.ToLower(firstOf(r.text("user_email"), r.text("email")))}
	if inner := r.object("user"); inner != nil {
		nested := readUser(inner)
		u = owner{email: firstOf(u.email, nested.email), name: nested.name, inactive: nested.inactive}
		id = firstOf(id, textOf(inner, "id", "user_id"))
	}
	if known, ok := r.opts.Owners.find(id); ok {
		u = owner{email: firstOf(u.email, known.email), name: firstOf(u.name, known.name), inactive: u.inactive || known.inactive}
	}
	if u.email == "" && strings.Contains(id, "@") {
		u.email = strings.ToLower(id)
	}
	switch {
	case u.email != "":
		r.Row.Owner = &api.ImportOwner{Email: u.email, Name: r.short("user", u.name, 100)}
	case id == "":
	case r.opts.Ownerless:
		r.note(idColumn, "is an owner whose address is not known: the key becomes nobody's")
	default:
		r.fail(idColumn, "is an owner whose address is not known; --users FILE tells the addresses of ids, --ownerless makes such keys nobody's")
	}
	if u.inactive {
		r.disable(idColumn, "is an owner who is not active")
	}
}

func (o *Owners) find(id string) (owner, bool) {
	if o == nil {
		return owner{}, false
	}
	u, ok := o.byID[id]
	return u, ok
}
