"""Token-based authentication: consumer and access token, each with its secret, sign every request anew.

NetSuite takes no nonce twice and no timestamp that is minutes old, so a repeat is signed again.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from secrets import token_hex
from xml.sax.saxutils import escape

import msgspec

from shared.binding.problems import BackendFault
from shared.security.secrets import Secret, UnreadableSecretError
from system_apis.netsuite.oauth1 import authorization, base_string, hmac_signature

PASSPORT = b"<!-- tokenPassport -->"
"""Where in a SOAP envelope the passport of an attempt goes."""


class TokenAuthentication(msgspec.Struct, frozen=True, kw_only=True):
    """One integration record with one access token.

    Attributes:
        account: Account id as NetSuite shows it, e.g. `1234567_SB1`; the realm.
        consumer_key: Of the integration record.
        consumer_secret: The same.
        token_id: Of the access token.
        token_secret: The same.
        clock: Unix seconds.
        nonce: Makes what is never used twice.
    """

    account: str
    consumer_key: str
    consumer_secret: Secret
    token_id: str
    token_secret: Secret
    clock: Callable[[], float] = time.time
    nonce: Callable[[], str] = token_hex

    def sign(self, method: str, url: str, body: bytes | None) -> tuple[Mapping[str, str], bytes | None]:
        """Sign a request to REST or a RESTlet (RFC 5849); query parameters take part, a JSON body does not."""
        parameters = [
            ("oauth_consumer_key", self.consumer_key),
            ("oauth_token", self.token_id),
            ("oauth_nonce", self.nonce()),
            ("oauth_timestamp", str(int(self.clock()))),
            ("oauth_version", "1.0"),
            ("oauth_signature_method", "HMAC-SHA256"),
        ]
        signed = hmac_signature(
            base_string(method, url, parameters), revealed(self.consumer_secret), revealed(self.token_secret)
        )
        return {"authorization": authorization(self.account, [*parameters, ("oauth_signature", signed)])}, body

    def sign_envelope(self, method: str, url: str, body: bytes | None) -> tuple[Mapping[str, str], bytes | None]:
        """Put a passport into a SOAP envelope, in place of `PASSPORT`."""
        del method, url
        return {}, (body or b"").replace(PASSPORT, self.passport().encode(), 1)

    def passport(self) -> str:
        """The children of `tokenPassport` (SuiteTalk SOAP), in the namespace of prefix `core`."""
        nonce, timestamp = self.nonce(), str(int(self.clock()))
        text = f"{self.account}&{self.consumer_key}&{self.token_id}&{nonce}&{timestamp}"
        key = f"{revealed(self.consumer_secret)}&{revealed(self.token_secret)}"
        signed = base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()
        named = {"account": self.account, "consumerKey": self.consumer_key, "token": self.token_id, "nonce": nonce}
        listed = "".join(f"<core:{name}>{escape(value)}</core:{name}>" for name, value in named.items())
        return (
            f"{listed}<core:timestamp>{timestamp}</core:timestamp>"
            f'<core:signature algorithm="HMAC-SHA256">{signed}</core:signature>'
        )


def revealed(secret: Secret) -> str:
    """A secret for the wire.

    Raises:
        BackendFault: It cannot be read; says where it is.
    """
    try:
        return secret.reveal()
    except UnreadableSecretError as error:
        raise BackendFault(f"We cannot sign in to NetSuite: {error}") from None
