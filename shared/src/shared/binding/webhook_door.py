"""The way in for a message that is signed: its sender is known by the signature, or nothing of it is believed.

The order is fixed: no signature or an old one is refused before the body is read, a body that is too large while it
is, and only what fits is handed on, still undecoded. Whoever invents a signature has a body read: few at once and each
for a short time, since a request that is read holds one of the places that orders need.
"""

import asyncio
from typing import Any, NoReturn

from shared.binding.call_context import Principal
from shared.binding.declare import Contract
from shared.binding.http_request import MAX_BODY_BYTES, Headers, read_body, require_plain
from shared.binding.inbound import INTERNAL_TIER, Served, deadline_exceeded
from shared.binding.operation import Operation
from shared.binding.problems import BackendUnavailable, Overloaded, SignatureRefused
from shared.binding.signed_message import SignedMessage
from shared.security.secrets import UnreadableSecretError
from shared.security.signature import SignatureVerifier, UnfitSignatureError
from shared.telemetry.logging import get_logger

FOREVER = float("inf")
MAX_UNVERIFIED = 16
"""How many bodies of unknown senders a door reads at once."""
BODY_SECONDS = 2.0
"""How long a body may take to arrive; a vendor's is a few kilobytes and is sent in one piece."""

_log = get_logger("binding")


class WebhookDoor:
    """Lets in what the sender of one API signed.

    Args:
        served: The operation.
        verifier: Of the implementation.
    """

    def __init__(self, served: Served, verifier: SignatureVerifier) -> None:
        self._served = served
        self._verifier = verifier
        self._unverified = 0
        contract, name = served.operation.contract, verifier.scheme.name
        self._principal = Principal(
            subject=name,
            client_id=f"webhook:{name}",
            audience=contract.audience,
            scopes=frozenset({served.operation.scope}),
            expires_at=FOREVER,
            issuer=f"urn:triptych:signature:{name}",
            tier=INTERNAL_TIER,
        )

    async def let_in(self, headers: Headers, receive: Any) -> tuple[Principal, SignedMessage]:
        """Who sent the message, and the message.

        Raises:
            SignatureRefused: No signature fits it.
            ContentTooLarge: Its body is larger than any that is read.
            UnsupportedMediaType: The body is compressed.
            Overloaded: As many bodies as may be are being read; of this one nothing was.
            DeadlineExceeded: It did not arrive in time.
            BackendUnavailable: No secret can be read now; who sent it may send it again.
        """
        sender = self._verifier.scheme.name
        try:
            self._verifier.screen(headers)
            return self._principal, self._verifier.verify(headers, await self._read(headers, receive))
        except UnfitSignatureError as unfit:
            _log.info("webhook.refused", sender=sender, reason=str(unfit))
            raise SignatureRefused("No signature of this API's sender fits the message; it was not read.") from None
        except UnreadableSecretError as unreadable:
            _log.error("webhook.unverifiable", sender=sender, reason=str(unreadable))
            raise BackendUnavailable("Signatures cannot be checked now; send the message again.") from None

    async def _read(self, headers: Headers, receive: Any) -> bytes:
        require_plain(headers)
        if self._unverified >= MAX_UNVERIFIED:
            raise Overloaded(
                "As many messages as may be are being read; send this one again.", retry_after=BODY_SECONDS
            )
        self._unverified += 1
        try:
            async with asyncio.timeout(min(self._served.seconds, BODY_SECONDS)):
                return await read_body(headers, receive, MAX_BODY_BYTES)
        except TimeoutError:
            raise deadline_exceeded(self._served.operation) from None
        finally:
            self._unverified -= 1


def doors_of(contract: type[Contract], implementation: Contract, served: list[Served]) -> dict[str, WebhookDoor]:
    """The doors of an implementation's webhooks, by the operation's name.

    Raises:
        TypeError: It has webhooks and does not say who signs them; such an API does not start.
    """
    signed = [each for each in served if each.operation.signed]
    verifier = implementation.signatures()
    if not signed:
        return {}
    if verifier is None or verifier.scheme is not type(implementation).signature:
        raise TypeError(
            f"{type(implementation).__name__} implements the webhooks of {contract.__name__} and does not say who "
            "signs them; give it `signature = ...` and a method `signatures()` that returns a verifier for that scheme."
        )
    return {each.operation.name: WebhookDoor(each, verifier) for each in signed}


def by_signature_only(operation: Operation) -> Any:
    """What a client has in place of a webhook: our APIs do not call it, in whatever placement."""

    async def refuse(_self: object, *_args: Any, **_kwargs: Any) -> NoReturn:
        raise SignatureRefused(f"{operation.qualified_name} is opened by the signature of its sender; no API calls it.")

    return refuse
