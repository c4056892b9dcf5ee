"""The device flow (RFC 8628 as Salesforce speaks it): a code on this screen, a browser anywhere."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from shared.resilience.outbound_faults import decode_json
from system_apis.salesforce.faults import BACKEND
from system_apis.salesforce.oauth.token_endpoint import Token, TokenEndpoint
from system_apis.salesforce.records import TokenRefusal

SLOW_DOWN_SECONDS = 5.0
"""How much longer to wait after each `slow_down` (RFC 8628 §3.5)."""


class DeviceCodes(msgspec.Struct, frozen=True):
    """What a device shows and keeps; `interval` is in seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    interval: float = 5.0

    def __repr__(self) -> str:
        """What the screen shows; the device code is secret."""
        return f"DeviceCodes(user_code={self.user_code!r}, verification_uri={self.verification_uri!r})"


async def begin_device_login(endpoint: TokenEndpoint, client_id: str, scope: str = "api refresh_token") -> DeviceCodes:
    """Ask for codes; show the user code and where to enter it.

    Raises:
        Problem: The app may not, or the endpoint cannot be reached.
    """
    form = {"response_type": "device_code", "client_id": client_id, "scope": scope}
    reply = await endpoint.post("token", form, "salesforce.device", repeatable=True)
    return decode_json(reply, DeviceCodes, backend=BACKEND)


async def await_approval(
    endpoint: TokenEndpoint,
    client_id: str,
    codes: DeviceCodes,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Token:
    """Ask until somebody has decided.

    Raises:
        BackendFault: They denied it, or ten minutes passed.
        Problem: The endpoint cannot be reached.
    """
    form = {"grant_type": "device", "client_id": client_id, "code": codes.device_code}
    interval = codes.interval
    while True:
        await pause(interval)
        reply = await endpoint.post("token", form, "salesforce.device", repeatable=False)
        if reply.status < 300:  # noqa: PLR2004 - success
            return endpoint.trusted(decode_json(reply, Token, backend=BACKEND))
        # What the classification lets through is one of two errors: not yet, and not so often.
        if decode_json(reply, TokenRefusal, backend=BACKEND).error == "slow_down":
            interval += SLOW_DOWN_SECONDS
