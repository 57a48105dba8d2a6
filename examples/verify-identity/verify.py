"""Verifies the identity JWT a broker sends with every request to your MCP server. Needs: pip install cryptography"""

import base64
import json
import os
import sys
import threading
import time
import urllib.parse
import urllib.request

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

LEEWAY = 60  # An identity JWT lives for a minute, and no two clocks agree.
KEEP_KEYS = 600
ASK_EVERY = 5


class Refused(Exception):
    """The JWT does not prove anything to this server."""


class Verifier:
    """`broker` is BASE_URL of the broker; `audience` is the URL it has for this server, exactly as in its settings."""

    def __init__(self, broker: str, audience: str) -> None:
        self._issuer = broker
        self._audience = audience
        self._keys: dict[str, dict] = {}
        self._fetched_at = float("-inf")
        self._lock = threading.Lock()

    def verify(self, jwt: str) -> dict:
        """Returns the claims. The person is `idp` and `sub` together; never use the e-mail address for that."""
        try:
            head, body, signature = jwt.split(".")
            header, claims = json.loads(_decode(head)), json.loads(_decode(body))
            kid = header["kid"]
            if "crit" in header:
                raise Refused("it wants something done that is not known here")
            _check_signature(self._key(kid), header["alg"], f"{head}.{body}".encode(), _decode(signature))
            self._check_claims(claims)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Refused(f"it is no identity JWT: {error!r}") from error
        except InvalidSignature as error:
            raise Refused("its signature is wrong") from error
        return claims

    def _check_claims(self, claims: dict) -> None:
        now = time.time()
        audience = claims["aud"]
        if claims["iss"] != self._issuer:
            raise Refused("it is of another issuer")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise Refused("it is for another server")
        if claims["exp"] + LEEWAY <= now:
            raise Refused("it has expired")
        if max(claims["iat"], claims.get("nbf", 0)) > now + LEEWAY:
            raise Refused("it is from the future")
        if not claims["sub"] or not claims["idp"]:
            raise Refused("it names nobody")

    def _key(self, kid: str) -> dict:
        """A key id that is not known has the keys fetched again, so that a rotation is noticed; a flood of them only now and then."""
        with self._lock:
            age = time.monotonic() - self._fetched_at
            if age > KEEP_KEYS or (kid not in self._keys and age > ASK_EVERY):
                url = urllib.parse.urljoin(self._issuer, "/.well-known/jwks.json")
                self._fetched_at = time.monotonic()
                with urllib.request.urlopen(url, timeout=5) as answer:
                    self._keys = {key["kid"]: key for key in json.load(answer)["keys"]}
            if kid not in self._keys:
                raise Refused("its key is not one of the broker")
            return self._keys[kid]


def _check_signature(key: dict, alg: str, signed: bytes, signature: bytes) -> None:
    # The key says how it signs. What the JWT says about it has to be the same, and decides nothing.
    if alg != key["alg"]:
        raise Refused("it is signed in another way than the key signs")
    if key["alg"] == "ES256":
        if len(signature) != 64:
            raise Refused("its signature is wrong")
        point = ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), ec.SECP256R1()).public_key()
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        point.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    elif key["alg"] == "RS256":
        public = rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
        public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    else:
        raise Refused("its key is of a kind that is not known here")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _number(text: str) -> int:
    return int.from_bytes(_decode(text), "big")


# BROKER_URL=… AUDIENCE=… python3 verify.py: one JWT a line in, who it is, or why not, a line out.
if __name__ == "__main__":
    verifier = Verifier(os.environ["BROKER_URL"], os.environ["AUDIENCE"])
    for line in sys.stdin:
        try:
            print(json.dumps(verifier.verify(line.strip())), flush=True)
        except (Refused, OSError) as error:
            print(f"refused: {error}", flush=True)
