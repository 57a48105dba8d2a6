// Verifies the identity JWT a broker sends with every request to your MCP server. Needs the standard library alone.
package main

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	leeway   = 60 // An identity JWT lives for a minute, and no two clocks agree.
	keepKeys = 10 * time.Minute
	askEvery = 5 * time.Second
)

// Identity is the person: IdP and Subject together. Never use the e-mail address for that.
type Identity struct {
	Subject string   `json:"sub"`
	IdP     string   `json:"idp"`
	Email   string   `json:"email,omitempty"`
	Name    string   `json:"name,omitempty"`
	Groups  []string `json:"groups,omitempty"`
}

// Verifier keeps the keys of one broker. Broker is its BASE_URL; Audience is the URL it has for this server, exactly as in its settings.
type Verifier struct {
	Broker   string
	Audience string

	mutex     sync.Mutex
	keys      map[string]jwk
	fetchedAt time.Time
}

type jwk struct{ Kid, Kty, Alg, Crv, X, Y, N, E string }

type claims struct {
	Identity
	Issuer    string   `json:"iss"`
	Audience  audience `json:"aud"`
	Expires   *float64 `json:"exp"`
	IssuedAt  *float64 `json:"iat"`
	NotBefore float64  `json:"nbf"`
}

// audience is one string or several.
type audience []string

func (a *audience) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(a))
}

// Verify says who the JWT is about, or why it proves nothing to this server.
func (v *Verifier) Verify(jwt string) (*Identity, error) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return nil, errors.New("it is no JWT")
	}
	var header struct {
		Alg, Kid string
		Crit     json.RawMessage
	}
	var said claims
	if err := decodeJSON(parts[0], &header); err != nil {
		return nil, err
	}
	if err := decodeJSON(parts[1], &said); err != nil {
		return nil, err
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, err
	}
	key, err := v.key(header.Kid)
	if err != nil {
		return nil, err
	}
	// The key says how it signs. What the JWT says about it has to be the same, and decides nothing.
	if header.Alg != key.Alg || header.Crit != nil {
		return nil, errors.New("it is signed in another way than the key signs")
	}
	if err := key.check([]byte(parts[0]+"."+parts[1]), signature); err != nil {
		return nil, err
	}
	return v.check(said, float64(time.Now().Unix()))
}

func (v *Verifier) check(said claims, now float64) (*Identity, error) {
	switch {
	case said.Issuer != v.Broker:
		return nil, errors.New("it is of another issuer")
	case !contains(said.Audience, v.Audience):
		return nil, errors.New("it is for another server")
	case said.Expires == nil || *said.Expires+leeway <= now:
		return nil, errors.New("it has expired")
	case said.IssuedAt == nil || *said.IssuedAt > now+leeway || said.NotBefore > now+leeway:
		return nil, errors.New("it is from the future")
	case said.Subject == "" || said.IdP == "":
		return nil, errors.New("it names nobody")
	}
	return &said.Identity, nil
}

// key has the keys fetched again when an id is not known, so that a rotation is noticed; a flood of them only now and then.
func (v *Verifier) key(kid string) (jwk, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	_, known := v.keys[kid]
	if age := time.Since(v.fetchedAt); age > keepKeys || (!known && age > askEvery) {
		v.fetchedAt = time.Now()
		if err := v.fetch(); err != nil {
			return jwk{}, err
		}
	}
	if key, known := v.keys[kid]; known {
		return key, nil
	}
	return jwk{}, errors.New("its key is not one of the broker")
}

func (v *Verifier) fetch() error {
	client := http.Client{Timeout: 5 * time.Second}
	answer, err := client.Get(v.Broker + "/.well-known/jwks.json")
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	var published struct{ Keys []jwk }
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("the keys were answered with %d", answer.StatusCode)
	}
	if err := json.NewDecoder(answer.Body).Decode(&published); err != nil {
		return err
	}
	v.keys = map[string]jwk{}
	for _, key := range published.Keys {
		v.keys[key.Kid] = key
	}
	return nil
}

func (k jwk) check(signed, signature []byte) error {
	hash := sha256.Sum256(signed)
	switch k.Alg {
	case "ES256":
		key := ecdsa.PublicKey{Curve: elliptic.P256(), X: number(k.X), Y: number(k.Y)}
		if len(signature) == 64 && key.Curve.IsOnCurve(key.X, key.Y) &&
			ecdsa.Verify(&key, hash[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
			return nil
		}
		return errors.New("its signature is wrong")
	case "RS256":
		key := rsa.PublicKey{N: number(k.N), E: int(number(k.E).Int64())}
		return rsa.VerifyPKCS1v15(&key, crypto.SHA256, hash[:], signature)
	}
	return errors.New("its key is of a kind that is not known here")
}

func decodeJSON(part string, into interface{}) error {
	text, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func number(text string) *big.Int {
	bytes, _ := base64.RawURLEncoding.DecodeString(text)
	return new(big.Int).SetBytes(bytes)
}

func contains(list []string, wanted string) bool {
	for _, one := range list {
		if one == wanted {
			return true
		}
	}
	return false
}

// BROKER_URL=… AUDIENCE=… go run verify.go: one JWT a line in, who it is, or why not, a line out.
func main() {
	verifier := Verifier{Broker: os.Getenv("BROKER_URL"), Audience: os.Getenv("AUDIENCE")}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		identity, err := verifier.Verify(lines.Text())
		if err != nil {
			fmt.Println("refused:", err)
			continue
		}
		text, _ := json.Marshal(identity)
		fmt.Println(string(text))
	}
}
