"""Authorization codes of the web server flow (RFC 6749 §4.1) with PKCE (RFC 7636)."""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256

from msgspec import Struct

from sandboxes.kit import Clock

CODE_SECONDS = 15 * 60.0
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class Code(Struct, frozen=True):
    """What a person agreed to."""

    client_id: str
    user_id: str
    redirect_uri: str
    scope: str
    challenge: str
    issued_at: float


class Codes:
    """Codes that nobody has redeemed yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[str, Code] = {}

    def issue(self, client_id: str, user_id: str, redirect_uri: str, scope: str, challenge: str) -> str:
        """A code that is good for one redemption within 15 minutes."""
        code = f"aPrx{secrets.token_urlsafe(48)}"
        self._waiting[code] = Code(client_id, user_id, redirect_uri, scope, challenge, self._clock.timestamp())
        return code

    def redeem(self, code: str) -> Code | None:
        """What the code stands for, once; None when it is used, unknown or too old."""
        found = self._waiting.pop(code, None)
        return found if found and self._clock.timestamp() - found.issued_at <= CODE_SECONDS else None


def proves(verifier: str, challenge: str) -> bool:
    """Whether the verifier is well formed and is what the challenge (S256) was made from."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode())
