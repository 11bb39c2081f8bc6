package authority

import (
	"context"
	"time"
)

// Location is the time zone in which the days of p's organisation begin. Whoever
// acts in it may know that. Kinds: permission_denied for nobody, not_found,
// store_unavailable.
func (a *Authority) Location(ctx context.Context, p Principal) (*time.Location, error) {
	if p.organizationID == "" {
		return nil, denied(organizationRead)
	}
	org, err := a.organizations.get(ctx, p.organizationID)
	if err != nil {
		return nil, absent(err, "organization", p.organizationID)
	}
	return org.location, nil
}
