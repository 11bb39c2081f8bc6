package authority_test

import (
	"fmt"
	"strings"
	"testing"

	"tollgate/internal/authority"
	"tollgate/internal/fault"
	"tollgate/internal/key"
)

// places is the things of one house on which operations are tried: somebody's
// own, another's of the same organisation, and another organisation's.
type places struct {
	h      *house
	roles  map[string]authority.Principal // by role, and "none": a management key without permissions
	users  map[string]authority.User
	keys   map[string]string // by whose: a role's name, "other", "abroad"
	tokens map[string]string // management keys, alike
}

func newPlaces(t *testing.T) *places {
	h := newHouse(t)
	p := &places{h, map[string]authority.Principal{}, map[string]authority.User{}, map[string]string{}, map[string]string{}}
	for _, role := range authority.Roles() {
		p.add(t, role.Name, role.Name)
	}
	p.add(t, "other", authority.RoleUser)
	p.roles["none"] = h.as(t, h.root.OrganizationID())
	p.roles["root"] = h.root
	p.roles["zero"] = authority.Principal{}
	abroad := h.as(t, "org_abroad", "*")
	k, _, err := h.CreateKey(t.Context(), abroad, []byte(`{"name":"abroad"}`))
	must(t, err)
	u, err := h.CreateUser(t.Context(), abroad, []byte(`{"email":"x@abroad.example"}`))
	must(t, err)
	m, _, err := h.CreateManagementKey(t.Context(), abroad, []byte(`{"name":"abroad","permissions":["platform:*"]}`))
	must(t, err)
	p.keys["abroad"], p.users["abroad"], p.tokens["abroad"] = k.ID, u, m.ID
	return p
}

func (p *places) add(t *testing.T, name, role string) {
	t.Helper()
	u := p.h.user(t, fmt.Sprintf(`{"email":"%s@example.com","role":"%s"}`, name, role))
	k, _ := p.h.key(t, `{"name":"`+name+`","user_id":"`+u.ID+`"}`)
	m, _, err := p.h.CreateManagementKey(t.Context(), p.h.root,
		[]byte(`{"name":"`+name+`","permissions":["platform:usage:read"],"user_id":"`+u.ID+`"}`))
	must(t, err)
	p.users[name], p.keys[name], p.tokens[name] = u, k.ID, m.ID
	if name != "other" {
		p.roles[name] = p.h.actingFor(t, u)
	}
}

// operations are all that a Principal can ask for, each on something of whose. Each
// works on a house of its own, so it may end what it works on.
var operations = map[string]func(t *testing.T, p *places, who authority.Principal, whose string) error{
	"CreateKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, _, err := p.h.CreateKey(t.Context(), who, []byte(`{"name":"new","user_id":"`+p.users[whose].ID+`"}`))
		return err
	},
	"ImportKeys": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		id := key.New("sk-").Reveal()
		body := `{"source":"test","rows":[` + foreignRow(id, bySHA256(id), `,"owner":{"email":"`+p.users[whose].Email+`"}`) + `]}`
		results, err := p.h.ImportKeys(t.Context(), who, []byte(body), noBook)
		if err == nil && results[0].Err != nil {
			err = results[0].Err
		}
		return err
	},
	"KeyByID": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, err := p.h.KeyByID(t.Context(), who, p.keys[whose])
		return err
	},
	"GrantByID": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, err := p.h.GrantByID(t.Context(), who, p.keys[whose])
		return err
	},
	"ListKeys": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, _, err := p.h.ListKeys(t.Context(), who, authority.KeyFilter{UserID: p.users[whose].ID})
		return err
	},
	"UpdateKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, err := p.h.UpdateKey(t.Context(), who, p.keys[whose], []byte(`{"description":"x"}`), 0)
		return err
	},
	"ReplaceKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, err := p.h.ReplaceKey(t.Context(), who, p.keys[whose], []byte(`{"name":"x"}`), 0)
		return err
	},
	"DeactivateKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, err := p.h.DeactivateKey(t.Context(), who, p.keys[whose], 0)
		return err
	},
	"ActivateKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, err := p.h.ActivateKey(t.Context(), who, p.keys[whose], 0)
		return err
	},
	"RegenerateKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, _, err := p.h.RegenerateKey(t.Context(), who, p.keys[whose], nil, 0)
		return err
	},
	"ExtendKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, err := p.h.ExtendKey(t.Context(), who, p.keys[whose], []byte(`{"days":1}`), 0) // the first expiry tightens
		return err
	},
	"RevokeKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, err := p.h.RevokeKey(t.Context(), who, p.keys[whose], nil, 0)
		return err
	},
	"RevealKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, _, err := p.h.RevealKey(t.Context(), who, p.keys[whose], []byte(`{"reason":"x"}`))
		return err
	},
	"DeleteKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		return p.h.DeleteKey(t.Context(), who, p.keys[whose], 0)
	},
	"PurgeKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		return p.h.PurgeKey(t.Context(), who, p.keys[whose])
	},
	"CleanUpExpired": func(t *testing.T, p *places, who authority.Principal, _ string) error {
		_, err := p.h.CleanUpExpired(t.Context(), who, nil)
		return err
	},
	"CreateUser": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, err := p.h.CreateUser(t.Context(), who, []byte(`{"email":"by-`+who.ID()+whose+`@example.com"}`))
		return err
	},
	"UserByID": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, err := p.h.UserByID(t.Context(), who, p.users[whose].ID)
		return err
	},
	"ListUsers": func(t *testing.T, p *places, who authority.Principal, _ string) error {
		_, _, err := p.h.ListUsers(t.Context(), who, authority.UserFilter{})
		return err
	},
	"UpdateUser": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, err := p.h.UpdateUser(t.Context(), who, p.users[whose].ID, []byte(`{"name":"x"}`), 0)
		return err
	},
	"DeleteUser": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		u := p.users[whose]
		err := p.h.DeleteUser(t.Context(), who, u.ID, 0)
		if err == nil {
			p.add(t, whose, u.Role) // the name is free again
		}
		return err
	},
	"Organization": func(t *testing.T, p *places, who authority.Principal, _ string) error {
		_, err := p.h.Organization(t.Context(), who)
		return err
	},
	"UpdateOrganization": func(t *testing.T, p *places, who authority.Principal, _ string) error {
		_, err := p.h.UpdateOrganization(t.Context(), who, []byte(`{"name":"x"}`), 0)
		return err
	},
	"CreateManagementKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, _, err := p.h.CreateManagementKey(t.Context(), who,
			[]byte(`{"name":"new","permissions":["platform:api-keys:create"],"user_id":"`+p.users[whose].ID+`"}`))
		return err
	},
	"ManagementKeyByID": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, err := p.h.ManagementKeyByID(t.Context(), who, p.tokens[whose])
		return err
	},
	"ListManagementKeys": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, _, err := p.h.ListManagementKeys(t.Context(), who, authority.ManagementFilter{UserID: p.users[whose].ID})
		return err
	},
	"UpdateManagementKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, err := p.h.UpdateManagementKey(t.Context(), who, p.tokens[whose], []byte(`{"name":"x"}`), 0)
		return err
	},
	"RevokeManagementKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		_, err := p.h.RevokeManagementKey(t.Context(), who, p.tokens[whose], 0)
		return err
	},
	"DeleteManagementKey": func(t *testing.T, p *places, who authority.Principal, whose string) error {
		return p.h.DeleteManagementKey(t.Context(), who, p.tokens[whose], 0)
	},
	"ListEvents": func(t *testing.T, p *places, who authority.Principal, _ string) error {
		_, err := p.h.ListEvents(t.Context(), who, authority.EventFilter{})
		return err
	},
	"VerifyAudit": func(t *testing.T, p *places, who authority.Principal, _ string) error {
		_, err := p.h.VerifyAudit(t.Context(), who, authority.AuditHead{}, nil)
		return err
	},
}

// What is answered: ok, 403 permission_denied, 404 not_found, 422 for a user of
// another organisation, who does not exist here.
const (
	ok   = "ok"
	no   = "permission_denied"
	gone = "not_found"
	bad  = "validation_failed"
	last = "last_owner"
	kept = "not_recoverable"
)

// law is what each role gets on its own, on another's and on another
// organisation's things. "none" is a management key without any permission.
type answers struct{ own, other, abroad string }

func TestC2_EveryOperationByRoleAndOwner(t *testing.T) {
	var (
		seeing   = answers{ok, ok, gone}   // may see everybody's
		changing = answers{ok, no, gone}   // sees everybody's, may change their own
		owning   = answers{ok, gone, gone} // sees and may change their own
		nobody   = answers{gone, gone, gone}
		all      = answers{ok, ok, ok} // not about somebody's
		none     = answers{no, no, no}
	)
	type byRole map[string]answers
	roles := func(owner, admin, auditor, developer, user, unheld answers) byRole {
		return byRole{
			"owner": owner, "admin": admin, "auditor": auditor, "developer": developer, "user": user,
			"none": unheld, "zero": none,
		}
	}
	create := answers{ok, no, no}
	change := roles(seeing, seeing, changing, owning, owning, answers{"", gone, gone})
	read := roles(seeing, seeing, seeing, owning, owning, answers{"", gone, gone})
	list := roles(all, all, all, answers{ok, no, no}, answers{ok, no, no}, answers{"", no, no})
	organizationWide := roles(all, all, none, none, none, none)
	sees := roles(all, all, all, none, none, none)
	law := map[string]byRole{
		"CreateKey":  roles(answers{ok, ok, bad}, answers{ok, ok, bad}, create, create, create, none),
		"ImportKeys": roles(answers{ok, ok, bad}, answers{ok, ok, bad}, none, none, none, none),
		"KeyByID":    read, "GrantByID": read, "ListKeys": list,
		"UpdateKey": change, "ReplaceKey": change, "DeactivateKey": change, "ActivateKey": change, "RegenerateKey": change,
		"ExtendKey": change, "RevokeKey": change, "DeleteKey": change,
		// Who may see it is told that nothing is kept.
		"RevealKey":      roles(answers{kept, kept, gone}, answers{kept, kept, gone}, answers{no, no, gone}, answers{no, gone, gone}, answers{no, gone, gone}, answers{"", gone, gone}),
		"PurgeKey":       roles(seeing, seeing, none, none, none, none),
		"CleanUpExpired": organizationWide,
		"CreateUser":     organizationWide,
		"UserByID":       read,
		"ListUsers":      sees,
		// The admin may not touch the owner, but here the other is a plain user.
		"UpdateUser": roles(seeing, seeing, answers{no, no, no}, answers{no, gone, gone}, answers{no, gone, gone}, nobody),
		// The owner is the last one.
		"DeleteUser":          roles(answers{last, ok, gone}, answers{ok, ok, gone}, answers{no, no, no}, answers{no, gone, gone}, answers{no, gone, gone}, nobody),
		"Organization":        roles(all, all, all, all, all, none),
		"UpdateOrganization":  organizationWide,
		"CreateManagementKey": roles(answers{ok, ok, bad}, answers{ok, ok, bad}, none, create, none, none),
		"ManagementKeyByID":   read, "ListManagementKeys": list,
		"UpdateManagementKey": change, "RevokeManagementKey": change, "DeleteManagementKey": change,
		"ListEvents": sees, "VerifyAudit": sees,
	}
	for name, call := range operations {
		if law[name] == nil {
			t.Errorf("no law for %s", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlaces(t)
			for role, want := range law[name] {
				for whose, want := range map[string]string{role: want.own, "other": want.other, "abroad": want.abroad} {
					if _, owns := p.keys[whose]; !owns {
						continue // has nothing of its own
					}
					p.renew(t, whose)
					got := ok
					if err := call(t, p, p.roles[role], whose); err != nil {
						got = string(fault.Of(err).Kind)
					}
					if got != want {
						t.Errorf("%s by the %s on what belongs to %s: %s, want %s", name, role, whose, got, want)
					}
				}
			}
		})
	}
}

// renew makes what an earlier operation may have ended.
func (p *places) renew(t *testing.T, whose string) {
	t.Helper()
	if whose == "abroad" {
		return
	}
	u := p.users[whose]
	k, _ := p.h.key(t, `{"name":"again","user_id":"`+u.ID+`"}`)
	m, _, err := p.h.CreateManagementKey(t.Context(), p.h.root, []byte(`{"name":"again","permissions":["platform:usage:read"],"user_id":"`+u.ID+`"}`))
	must(t, err)
	p.keys[whose], p.tokens[whose] = k.ID, m.ID
}

func TestC1_WhoMaySeeWhichKeys(t *testing.T) {
	p := newPlaces(t)
	list := func(role string, f authority.KeyFilter) int {
		_, total, err := p.h.ListKeys(t.Context(), p.roles[role], f)
		must(t, err)
		return total
	}
	everybody := list("root", authority.KeyFilter{})
	for role, want := range map[string]int{"owner": everybody, "admin": everybody, "auditor": everybody, "developer": 1, "user": 1} {
		if got := list(role, authority.KeyFilter{}); got != want {
			t.Errorf("the %s sees %d keys, want %d", role, got, want)
		}
	}
	if got := list("admin", authority.KeyFilter{UserID: p.users["other"].ID}); got != 1 {
		t.Errorf("the admin sees %d keys of another", got)
	}
	_, _, err := p.h.ListKeys(t.Context(), p.roles["none"], authority.KeyFilter{})
	is(t, err, fault.PermissionDenied)
}

func TestC3_WhoeverMakesAKeyOwnsIt(t *testing.T) {
	p := newPlaces(t)
	for _, role := range []string{"owner", "admin", "auditor", "developer", "user"} {
		k, _, err := p.h.CreateKey(t.Context(), p.roles[role], []byte(`{"name":"mine"}`))
		must(t, err)
		if k.UserID != p.users[role].ID || k.Kind != authority.KindUser {
			t.Errorf("the %s made a key of %q, kind %s", role, k.UserID, k.Kind)
		}
	}
	for _, body := range []string{
		`{"name":"a","user_id":null}`, `{"name":"a","kind":"service"}`, `{"preset":"standalone"}`,
		`{"name":"a","kind":"standalone"}`, `{"name":"a","user_id":"` + p.users["admin"].ID + `"}`,
	} {
		_, _, err := p.h.CreateKey(t.Context(), p.roles["developer"], []byte(body))
		if is(t, err, fault.PermissionDenied); !strings.Contains(fault.Of(err).Public, "create-any") {
			t.Errorf("%s: %v", body, err)
		}
		k, _, err := p.h.CreateKey(t.Context(), p.roles["admin"], []byte(body))
		if must(t, err); k.UserID != "" && k.UserID != p.users["admin"].ID {
			t.Errorf("%s: it belongs to %q", body, k.UserID)
		}
	}
}

func TestAManagementKeyBoundsItsUser(t *testing.T) {
	p := newPlaces(t)
	narrow := p.h.actingFor(t, p.users["admin"], "platform:api-keys:read")
	_, err := p.h.KeyByID(t.Context(), narrow, p.keys["other"])
	must(t, err)
	_, err = p.h.UpdateKey(t.Context(), narrow, p.keys["other"], []byte(`{"name":"x"}`), 0)
	is(t, err, fault.PermissionDenied)
	_, err = p.h.UpdateKey(t.Context(), narrow, p.keys["admin"], []byte(`{"name":"x"}`), 0) // nor its own
	is(t, err, fault.PermissionDenied)
	wide := p.h.actingFor(t, p.users["user"], "*")
	_, err = p.h.KeyByID(t.Context(), wide, p.keys["other"]) // and the role bounds the key
	is(t, err, fault.NotFound)
	if narrow.UserID() != p.users["admin"].ID || wide.Can("platform:api-keys:read") {
		t.Error("the principal is not who it should be")
	}
}

func TestNobodyHandsOnMoreThanTheyHold(t *testing.T) {
	p := newPlaces(t)
	admin, developer, user := p.roles["admin"], p.roles["developer"], p.roles["user"]
	limited := p.h.as(t, p.h.root.OrganizationID(), "platform:users:*", "platform:management-keys:*", "platform:api-keys:read")
	for name, call := range map[string]func() error{
		"an admin makes an owner": func() error {
			_, err := p.h.CreateUser(t.Context(), admin, []byte(`{"email":"boss@example.com","role":"owner"}`))
			return err
		},
		"an admin makes themselves owner": func() error {
			_, err := p.h.UpdateUser(t.Context(), admin, admin.UserID(), []byte(`{"role":"owner"}`), 0)
			return err
		},
		"an admin disables the owner": func() error {
			_, err := p.h.UpdateUser(t.Context(), admin, p.users["owner"].ID, []byte(`{"is_active":false}`), 0)
			return err
		},
		"a key for users only makes an admin": func() error {
			_, err := p.h.CreateUser(t.Context(), limited, []byte(`{"email":"boss@example.com","role":"admin"}`))
			return err
		},
		"a key makes a wider key": func() error {
			_, _, err := p.h.CreateManagementKey(t.Context(), limited, []byte(`{"name":"a","permissions":["platform:*"]}`))
			return err
		},
		"a key makes one with a word nobody asks for yet": func() error {
			_, _, err := p.h.CreateManagementKey(t.Context(), limited, []byte(`{"name":"a","permissions":["platform:rockets:launch"]}`))
			return err
		},
		"an admin makes a key that manages owners": func() error {
			_, _, err := p.h.CreateManagementKey(t.Context(), admin, []byte(`{"name":"a","user_id":null,"permissions":["platform:*"]}`))
			return err
		},
		"an admin makes an unbounded key for a developer": func() error {
			_, _, err := p.h.CreateManagementKey(t.Context(), admin, []byte(`{"name":"a","permissions":["*"],"user_id":"`+developer.UserID()+`"}`))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { is(t, call(), fault.EscalationDenied) })
	}
	for body, who := range map[string]authority.Principal{
		`{"name":"own, bounded by the role","permissions":["*"]}`:                                       developer,
		`{"name":"a","user_id":null,"permissions":["platform:*","!platform:owners:manage"]}`:            admin,
		`{"name":"b","user_id":"` + user.UserID() + `","permissions":["platform:api-keys:*"]}`:          admin,
		`{"name":"c","permissions":["platform:api-keys:read","platform:users:read"],"is_active":false}`: limited,
	} {
		_, _, err := p.h.CreateManagementKey(t.Context(), who, []byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestTheLifeOfAManagementKey(t *testing.T) {
	h := newHouse(t)
	u := h.user(t, `{"email":"ada@example.com","role":"developer"}`)
	m, text, err := h.CreateManagementKey(t.Context(), h.root, []byte(`{"name":"ci","permissions":["platform:api-keys:*"],
		"user_id":"`+u.ID+`","expires_at":"2026-03-02T12:00:00Z"}`))
	must(t, err)
	same(t, m.CreatedBy, h.root.ID())
	use := func(want fault.Kind) authority.Principal {
		t.Helper()
		p, err := h.AuthenticateManagement(t.Context(), text.Reveal())
		if want == "" {
			must(t, err)
		} else {
			is(t, err, want)
		}
		return p
	}
	if p := use(""); p.UserID() != u.ID || p.ID() != m.ID || !p.Can("platform:api-keys:create") || p.Can("platform:api-keys:read") {
		t.Errorf("the principal is %+v", p)
	}
	_, err = h.UpdateUser(t.Context(), h.root, u.ID, []byte(`{"is_active":false}`), 0)
	must(t, err)
	use(fault.OwnerInactive)
	_, err = h.UpdateUser(t.Context(), h.root, u.ID, []byte(`{"is_active":true}`), 0)
	must(t, err)
	_, err = h.UpdateManagementKey(t.Context(), h.root, m.ID, []byte(`{"is_active":false}`), 1)
	must(t, err)
	use(fault.KeyDisabled)
	_, err = h.UpdateManagementKey(t.Context(), h.root, m.ID, []byte(`{"is_active":true,"name":"ci2"}`), 2)
	must(t, err)
	use("")
	h.now.Store(noon.AddDate(0, 0, 1).UnixMilli() - 1)
	use("")
	h.pass(1e6)
	use(fault.KeyExpired)
	_, err = h.RevokeManagementKey(t.Context(), h.root, m.ID, 0)
	must(t, err)
	use(fault.KeyRevoked)
	_, err = h.UpdateManagementKey(t.Context(), h.root, m.ID, []byte(`{"is_active":true}`), 0)
	is(t, err, fault.ValidationFailed)
	must(t, h.DeleteManagementKey(t.Context(), h.root, m.ID, 0))
	use(fault.KeyInvalid)
	_, err = h.ManagementKeyByID(t.Context(), h.root, m.ID)
	is(t, err, fault.NotFound)
	for _, call := range []func() error{
		func() error { return h.DeleteManagementKey(t.Context(), h.root, h.root.ID(), 0) },
		func() error { _, err := h.RevokeManagementKey(t.Context(), h.root, h.root.ID(), 0); return err },
	} {
		is(t, call(), fault.ValidationFailed) // the root key is the way back in
	}
	for body, want := range map[string]string{
		`{}`: "name permissions", `{"name":"a","permissions":[]}`: "permissions", `{"name":"a","permissions":["**"]}`: "permissions",
		`{"name":"a","permissions":["Platform:x"]}`: "permissions", `{"name":"a","permissions":["*"],"user_id":"user_x"}`: "user_id",
		`{"name":"a","permissions":["*"],"expires_at":"2020-01-01T00:00:00Z","id":"x"}`: "expires_at id",
	} {
		_, _, err := h.CreateManagementKey(t.Context(), h.root, []byte(body))
		if got := strings.Join(wrong(err), " "); got != want {
			t.Errorf("%s: %q is wrong, want %q", body, got, want)
		}
	}
}
