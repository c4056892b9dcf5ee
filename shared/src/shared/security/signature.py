"""Was this message written by who shares a secret with us? Read before anything of the message is believed."""

import hashlib
import hmac
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence

from shared.binding.signed_message import SignedMessage
from shared.security.secrets import Secret, UnreadableSecretError
from shared.security.signature_schemes import Parts, SignatureScheme

MAX_SECRETS = 4
"""How many secrets may be in force at once: each costs every forger's message one more digest."""

_MOST_SIGNATURES = 8
_LONGEST_SIGNATURE = 1024
_TIMESTAMP = re.compile(rb"\d{1,15}")
_ID = re.compile(rb"[\x21-\x7e]{1,128}")
_TOPIC = re.compile(rb"[\x21-\x7e]{1,128}")


class UnfitSignatureError(Exception):
    """A message that its sender did not sign; the text says why, for logs and never for who sent it."""


class SignatureVerifier:
    """Verifies the messages of one sender.

    All secrets are tried on every message and compared in constant time, so that a refusal takes as long whichever is
    in force.

    Args:
        scheme: How the sender signs.
        secrets: Those in force, read anew for each message; more than one while a secret is replaced. None opens
            nothing.
        url: Where the sender sends to, as it knows the address; only signatures that cover it need it.
        clock: Unix seconds.

    Raises:
        ValueError: There are more secrets than `MAX_SECRETS`.
    """

    def __init__(
        self,
        scheme: SignatureScheme,
        secrets: Sequence[Secret],
        *,
        url: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        if len(secrets) > MAX_SECRETS:
            raise ValueError(f"At most {MAX_SECRETS} secrets may be in force at once; take old ones away.")
        self.scheme = scheme
        self._secrets = tuple(secrets)
        self._url = url.encode()
        self._clock = clock

    def screen(self, headers: Mapping[bytes, bytes]) -> None:
        """Refuse what no body could mend, before the body is read.

        Args:
            headers: By lower-case name.

        Raises:
            UnfitSignatureError: There is no signature, or it was made at another time.
        """
        if not self._secrets:
            raise UnfitSignatureError("no secret")
        if not 0 < len(self._header(headers, self.scheme.header)) <= _LONGEST_SIGNATURE:
            raise UnfitSignatureError("no signature")
        if self.scheme.timestamp_header and not self._is_timely(headers):
            raise UnfitSignatureError("not of now")

    def verify(self, headers: Mapping[bytes, bytes], body: bytes) -> SignedMessage:
        """The message, of which nothing was decoded yet.

        Raises:
            UnfitSignatureError: As `screen`, or the signature does not fit these very bytes.
            UnreadableSecretError: No secret can be read now.
        """
        self.screen(headers)
        scheme = self.scheme
        message_id = self._header(headers, scheme.id_header)
        parts = Parts(self._url, body, self._header(headers, scheme.timestamp_header), message_id)
        given = self._header(headers, scheme.header)
        candidates = given.split(b" ")[:_MOST_SIGNATURES] if scheme.several else [given]
        expected = [scheme.text(hmac.digest(key, scheme.covered(parts), hashlib.sha256)) for key in self._keys()]
        if not sum(hmac.compare_digest(one, other) for one in expected for other in candidates):
            raise UnfitSignatureError("another signature")
        if not _ID.fullmatch(message_id):
            message_id = hashlib.sha256(body).hexdigest().encode()
        topic = self._header(headers, scheme.topic_header)
        return SignedMessage(message_id.decode(), topic.decode() if _TOPIC.fullmatch(topic) else "", body)

    def _is_timely(self, headers: Mapping[bytes, bytes]) -> bool:
        given = self._header(headers, self.scheme.timestamp_header)
        moment = int(given) * self.scheme.timestamp_unit if _TIMESTAMP.fullmatch(given) else -math.inf
        return abs(self._clock() - moment) <= self.scheme.tolerance

    def _keys(self) -> list[bytes]:
        keys: list[bytes] = []
        for secret in self._secrets:
            try:
                keys.append(self.scheme.key(secret.reveal()))
            except ValueError:  # another one may do: all were readable at start
                continue
        if not keys:
            raise UnreadableSecretError(
                f"No secret of {self.scheme.sender} can be read; put one where the settings say."
            )
        return keys

    @staticmethod
    def _header(headers: Mapping[bytes, bytes], name: str) -> bytes:
        return headers.get(name.lower().encode(), b"") if name else b""


def signed_headers(
    scheme: SignatureScheme,
    secret: str,
    body: bytes,
    *,
    message_id: str = "",
    topic: str = "",
    url: str = "",
    moment: float | None = None,
) -> dict[str, str]:
    """The headers that such a sender puts on a message: for tests and for relays that sign anew."""  # fmt: skip
    timestamp = ""
    if scheme.timestamp_header:
        timestamp = str(int((time.time() if moment is None else moment) / scheme.timestamp_unit))
    parts = Parts(url.encode(), body, timestamp.encode(), message_id.encode())
    digest = hmac.digest(scheme.key(secret), scheme.covered(parts), hashlib.sha256)
    headers = {
        scheme.header: scheme.text(digest).decode(),
        scheme.timestamp_header: timestamp,
        scheme.id_header: message_id,
        scheme.topic_header: topic,
    }
    return {name: value for name, value in headers.items() if name and value}
