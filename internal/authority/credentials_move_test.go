package authority_test

import (
	"testing"

	"tollgate/internal/credential"
	"tollgate/internal/fault"
)

// Whoever may change a credential, but does not know its secrets, cannot have them
// sent to a server of their own.
func TestA8_SecretsDoNotFollowAnotherBaseURL(t *testing.T) {
	h := newHouse(t)
	ada := h.user(t, `{"email":"ada@example.com"}`)
	owner := h.actingFor(t, ada, "platform:*")
	c := h.credential(t, h.root, `{"provider":"custom","key_name":"n","user_id":"`+ada.ID+
		`","custom_config":{"base_url":"https://x.example/v1","headers":{"X-One":"PLANTED-one"}}}`)
	for body, field := range map[string]string{
		`{"custom_config":{"base_url":"https://evil.example/v1"}}`:                                                           credential.APIKey,
		`{"custom_config":{"base_url":"https://evil.example/v1","headers":{"X-One":null}}}`:                                  credential.APIKey,
		`{"custom_config":{"base_url":"https://x.example/evil","headers":{"X-One":null}}}`:                                   credential.APIKey,
		`{"api_key":"mine-0123456789","custom_config":{"base_url":"https://evil.example/v1"}}`:                               "custom_config",
		`{"api_key":"mine-0123456789","custom_config":{"base_url":"https://evil.example","headers":{"X-One":"[redacted]"}}}`: "custom_config",
	} {
		_, err := h.UpdateCredential(t.Context(), owner, c.ID, []byte(body), 0)
		is(t, err, fault.ValidationFailed)
		if f := fault.Of(err); f.Param != field {
			t.Errorf("%s: %q is wrong, want %q", body, f.Param, field)
		}
	}
	same(t, h.reveal(t, c.ID, credential.APIKey), planted)
	for _, body := range []string{
		`{"custom_config":{"base_url":"https://x.example/v1/"},"key_name":"m"}`, // the same place
		`{"custom_config":{"base_url":"https://y.example/v1","headers":{"X-One":"PLANTED-two"}},"api_key":"mine-0123456789"}`,
		`{"api_key":"mine-9876543210","custom_config":{"base_url":"https://z.example/v1","headers":null}}`,
	} {
		if _, err := h.UpdateCredential(t.Context(), owner, c.ID, []byte(body), 0); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}
