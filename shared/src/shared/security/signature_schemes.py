"""How those who send us webhooks sign them. A new sender is one more value here, and nothing else.

Sources: shopify.dev "Verify webhook deliveries"; docs.easypost.com "Webhooks: HMAC validation";
developers.hubspot.com "Validating requests", version 3; docs.slack.dev "Verifying requests from Slack";
standardwebhooks.com, specification 1.0.
"""

import base64
import binascii
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple


class Parts(NamedTuple):
    """Of a request, what a signature may cover."""

    url: bytes
    body: bytes
    timestamp: bytes = b""
    message_id: bytes = b""


@dataclass(frozen=True, kw_only=True)
class SignatureScheme:
    """One sender's way of signing: HMAC-SHA256, under a secret that both hold.

    Attributes:
        name: For settings, spans and the OpenAPI document.
        sender: Its name for people.
        header: Where the signature is.
        encoding: Of the digest.
        prefix: Before the digest.
        several: The header holds several signatures with spaces between, one for each secret.
        covered: The bytes that are signed; the body alone if not said.
        key: The key that a secret as the sender shows it stands for; raises ValueError for one it cannot have given.
        timestamp_header: Where the moment of signing is; one that is covered closes the window for repeats.
        timestamp_unit: Of it, in seconds.
        tolerance: Seconds that a moment may lie from ours.
        id_header: Where the id of the message is.
        topic_header: Where its topic is.
    """

    name: str
    sender: str
    header: str
    encoding: Literal["base64", "hex"]
    prefix: str = ""
    several: bool = False
    covered: Callable[[Parts], bytes] = lambda parts: parts.body
    key: Callable[[str], bytes] = str.encode
    timestamp_header: str = ""
    timestamp_unit: float = 1.0
    tolerance: float = 300.0
    id_header: str = ""
    topic_header: str = ""

    def text(self, digest: bytes) -> bytes:
        """A digest as the header has it."""
        encoded = base64.b64encode(digest) if self.encoding == "base64" else digest.hex().encode()
        return self.prefix.encode() + encoded


def _normalised(secret: str) -> bytes:
    return unicodedata.normalize("NFKD", secret).encode()


def _decoded(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("A secret of Standard Webhooks is base64 after whsec_.") from None


SHOPIFY = SignatureScheme(
    name="shopify", sender="Shopify", header="X-Shopify-Hmac-Sha256", encoding="base64",
    id_header="X-Shopify-Webhook-Id", topic_header="X-Shopify-Topic",
)  # fmt: skip
EASYPOST = SignatureScheme(
    name="easypost", sender="EasyPost", header="X-Hmac-Signature", encoding="hex", prefix="hmac-sha256-hex=",
    key=_normalised,
)  # fmt: skip
HUBSPOT = SignatureScheme(
    name="hubspot", sender="HubSpot", header="X-HubSpot-Signature-v3", encoding="base64",
    covered=lambda parts: b"POST" + parts.url + parts.body + parts.timestamp,
    timestamp_header="X-HubSpot-Request-Timestamp", timestamp_unit=0.001,
)  # fmt: skip
SLACK = SignatureScheme(
    name="slack", sender="Slack", header="X-Slack-Signature", encoding="hex", prefix="v0=",
    covered=lambda parts: b"v0:%b:%b" % (parts.timestamp, parts.body),
    timestamp_header="X-Slack-Request-Timestamp",
)  # fmt: skip
STANDARD_WEBHOOKS = SignatureScheme(
    name="standard-webhooks", sender="A sender of Standard Webhooks", header="webhook-signature", encoding="base64",
    prefix="v1,", several=True, key=_decoded,
    covered=lambda parts: b"%b.%b.%b" % (parts.message_id, parts.timestamp, parts.body),
    timestamp_header="webhook-timestamp", id_header="webhook-id",
)  # fmt: skip
