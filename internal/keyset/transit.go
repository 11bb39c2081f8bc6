package keyset

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tollgate/internal/secret"
)

// Transit is the transit engine of HashiCorp Vault or OpenBao, over HTTP
// (https://openbao.org/api-docs/secret/transit/).
type Transit struct {
	Address   string        // like https://vault.example.com:8200
	Mount     string        // where the engine is mounted; "" = transit
	Key       string        // the name of the key there
	Token     secret.Text   // may encrypt and decrypt with that key
	Namespace string        // "" = the root one
	Timeout   time.Duration // of one call; 0 = 10 s
}

var _ Wrapper = Transit{}

// String names the key at the service.
func (t Transit) String() string { return t.mount() + "/keys/" + t.Key + " at " + t.Address }

func (t Transit) mount() string {
	if t.Mount == "" {
		return "transit"
	}
	return strings.Trim(t.Mount, "/")
}

// Wrap implements Wrapper.
func (t Transit) Wrap(ctx context.Context, text secret.Text) (string, error) {
	plain := base64.StdEncoding.EncodeToString([]byte(text.Reveal()))
	answer, err := t.call(ctx, "encrypt", map[string]string{"plaintext": plain})
	if err == nil && answer.Ciphertext == "" {
		err = errors.New("the key service answered without a ciphertext")
	}
	return answer.Ciphertext, err
}

// Unwrap implements Wrapper.
func (t Transit) Unwrap(ctx context.Context, wrapped string) (secret.Text, error) {
	answer, err := t.call(ctx, "decrypt", map[string]string{"ciphertext": wrapped})
	if err != nil {
		return secret.Text{}, err
	}
	plain, err := base64.StdEncoding.DecodeString(answer.Plaintext)
	if err != nil || len(plain) == 0 {
		return secret.Text{}, errors.New("the key service answered without a plaintext")
	}
	return secret.New(string(plain)), nil
}

type transitAnswer struct {
	Ciphertext string `json:"ciphertext"`
	Plaintext  string `json:"plaintext"`
}

// maxAnswer bounds what is read of an answer; a keyset is some hundred bytes a
// key.
const maxAnswer = 1 << 20

// call asks the service. Its errors hold the service's status and nothing of what
// was sent or answered.
func (t Transit) call(ctx context.Context, verb string, body map[string]string) (answer transitAnswer, err error) {
	timeout := t.Timeout
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	text, err := json.Marshal(body)
	if err != nil {
		return answer, err
	}
	at := strings.TrimRight(t.Address, "/") + "/v1/" + t.mount() + "/" + verb + "/" + url.PathEscape(t.Key)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(text))
	if err != nil {
		return answer, errors.New("the address of the key service is not a URL")
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Vault-Request", "true")
	r.Header.Set("X-Vault-Token", t.Token.Reveal())
	if t.Namespace != "" {
		r.Header.Set("X-Vault-Namespace", t.Namespace)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		return answer, fmt.Errorf("the key service %s cannot be reached: %w", t.Address, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return answer, fmt.Errorf("the key service %s refused to %s with %s/keys/%s: status %d%s",
			t.Address, verb, t.mount(), t.Key, resp.StatusCode, meaning(resp.StatusCode))
	}
	var whole struct {
		Data transitAnswer `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&whole); err != nil {
		return answer, errors.New("the key service did not answer in JSON")
	}
	return whole.Data, nil
}

// meaning is what a status of the service says about the configuration.
func meaning(status int) string {
	switch status {
	case http.StatusForbidden:
		return " (the token is wrong, has ended, or may not use this key)"
	case http.StatusNotFound:
		return " (there is no such mount)"
	case http.StatusBadRequest:
		return " (there is no such key, or it is not the one that wrapped the keyset)"
	case http.StatusServiceUnavailable:
		return " (it is sealed)"
	case http.StatusTemporaryRedirect, http.StatusMovedPermanently, http.StatusPermanentRedirect, http.StatusFound:
		return " (it sends elsewhere; set the address of the active server)"
	}
	return ""
}
