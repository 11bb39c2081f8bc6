package authority

import (
	"context"
	"reflect"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/money"
)

// Organization is the principal's own organisation. Kinds: permission_denied,
// store_unavailable.
func (a *Authority) Organization(ctx context.Context, p Principal) (Organization, error) {
	d := deed{p: p, action: "organization.get", kind: "organization", id: p.organizationID}
	if err := p.require(organizationRead); err != nil {
		return Organization{}, a.refused(ctx, d, err)
	}
	o, err := a.store.Organizations.OrganizationByID(ctx, p.organizationID)
	return o, absent(err, "organization", p.organizationID)
}

// Location is the time zone in which the days of the principal's organisation
// begin. It needs no permission. Kinds: permission_denied for the zero Principal,
// store_unavailable.
func (a *Authority) Location(ctx context.Context, p Principal) (*time.Location, error) {
	if p.organizationID == "" {
		return nil, p.require(organizationRead)
	}
	o, err := a.organizations.get(ctx, p.organizationID)
	if err != nil {
		return nil, absent(err, "organization", p.organizationID)
	}
	return o.location, nil
}

// UpdateOrganization lays body over the organisation as it is (RFC 7396). A
// positive expect is the version that the caller has seen; 0 is any. The change is
// in force for all of its keys when UpdateOrganization returns. Kinds:
// permission_denied, invalid_json, duplicate_field, validation_failed,
// precondition_failed, version_conflict, store_unavailable.
func (a *Authority) UpdateOrganization(ctx context.Context, p Principal, body []byte, expect int64) (Organization, error) {
	d := deed{p: p, action: "organization.update", kind: "organization", id: p.organizationID}
	if err := p.require(organizationUpdate); err != nil {
		return Organization{}, a.refused(ctx, d, err)
	}
	list, err := members(body)
	if err != nil {
		return Organization{}, a.refused(ctx, d, err)
	}
	var changed Organization
	err = retry(ctx, "organization", func() error {
		before, err := a.store.Organizations.OrganizationByID(ctx, p.organizationID)
		if err != nil {
			return absent(err, "organization", p.organizationID)
		}
		d.name = before.Name
		if err := checkVersion("organization", expect, before.Version); err != nil {
			return err
		}
		changed = before
		e := &edit[Organization]{next: &changed, current: &before}
		e.apply(organizationFields(), list)
		e.settleActive(list)
		e.settleBudget(&changed.Limits)
		if changed.Recoverable && a.sealer == nil && !e.failed("recoverable") {
			e.fail("recoverable", "needs a keyset to seal with, and this server has none")
		}
		if err := e.err(); err != nil {
			return err
		}
		done := act(a, d, organizationFields(), &before, &changed)
		if reflect.DeepEqual(before, changed) {
			return a.note(ctx, done.Event)
		}
		changed.Version, changed.UpdatedAt = before.Version+1, a.instant()
		defer a.organizations.refresh(ctx, p.organizationID)
		return a.store.Organizations.UpdateOrganization(ctx, changed, done)
	})
	if err != nil {
		return Organization{}, a.refused(ctx, d, err)
	}
	return changed, nil
}

// organizationFields is the table of an organisation: every name that a body may
// carry.
func organizationFields() []field[Organization] {
	table := []field[Organization]{
		textField("name", 1, 100, func(o *Organization) *string { return &o.Name }),
		{name: "timezone", set: setTimezone, get: func(o *Organization) any { return o.Timezone }},
		wordField("status", func(o *Organization) *Status { return &o.Status }, StatusActive, StatusDisabled),
		activeField(func(o *Organization) *Status { return &o.Status }),
		{name: "default_price", set: setDefaultPrice, get: defaultPriceShown},
		countField("max_keys_per_user", 0, 1_000_000, func(o *Organization) **int64 { return &o.MaxKeysPerUser }),
		wordField("expired_keys", func(o *Organization) *ExpiredKey { return &o.ExpiredKeys }, ExpiredDisable, ExpiredDelete),
		switchField("allow_key_in_query", func(o *Organization) *bool { return &o.AllowKeyInQuery }),
		switchField("credential_fallback", func(o *Organization) *bool { return &o.CredentialFallback }),
		switchField("recoverable", func(o *Organization) *bool { return &o.Recoverable }),
	}
	table = append(table, limitFields(func(o *Organization) *Limits { return &o.Limits })...)
	for _, name := range []string{"id", "created_at", "updated_at", "version"} {
		table = append(table, readOnly[Organization](name, ""))
	}
	return table
}

// setTimezone refuses "Local", which is another zone on another server.
func setTimezone(e *edit[Organization], raw jsontext.Value) string {
	var name string
	if !isNull(raw) && json.Unmarshal(raw, &name) == nil && name != "" && name != "Local" {
		if _, err := time.LoadLocation(name); err == nil {
			e.next.Timezone = name
			return ""
		}
	}
	return "must be an IANA time zone like Europe/Berlin"
}

// maxDefaultPrice is a hundred times what the dearest model costs. Far dearer ones
// would bring a few requests to the end of what sums of money can hold.
const maxDefaultPrice = money.Price(100_000 * 1_000_000)

func setDefaultPrice(e *edit[Organization], raw jsontext.Value) string {
	const want = `must be null or an object like {"input_usd_per_million": "1.50", "output_usd_per_million": "6.00"}, with prices of 100000 at most`
	if isNull(raw) {
		e.next.DefaultPrice = nil
		return ""
	}
	var body struct {
		Input  *string `json:"input_usd_per_million"`
		Output *string `json:"output_usd_per_million"`
	}
	if json.Unmarshal(raw, &body, json.RejectUnknownMembers(true)) != nil || body.Input == nil || body.Output == nil {
		return want
	}
	input, errIn := money.ParsePrice(*body.Input)
	output, errOut := money.ParsePrice(*body.Output)
	if errIn != nil || errOut != nil || max(input, output) > maxDefaultPrice {
		return want
	}
	e.next.DefaultPrice = &DefaultPrice{Input: input, Output: output}
	return ""
}

func defaultPriceShown(o *Organization) any {
	if o.DefaultPrice == nil {
		return nil
	}
	return map[string]string{
		"input_usd_per_million":  o.DefaultPrice.Input.String(),
		"output_usd_per_million": o.DefaultPrice.Output.String(),
	}
}
