"""The device flow: a code on a screen, a person who approves it elsewhere, an app that keeps asking."""

import secrets
from typing import Literal

from msgspec import Struct

from sandboxes.kit import Clock

DEVICE_SECONDS = 10 * 60.0
INTERVAL_SECONDS = 5
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789"


class Device(Struct):
    """One device that waits; `user_id` is who approved it."""

    device_code: str
    user_code: str
    client_id: str
    scope: str
    begun_at: float
    asked_at: float = 0.0
    state: Literal["pending", "approved", "denied"] = "pending"
    user_id: str = ""


class Devices:
    """Devices that wait for somebody's word."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[str, Device] = {}

    def begin(self, client_id: str, scope: str) -> Device:
        """A device with its codes."""
        user_code = "".join(secrets.choice(_LETTERS) for _ in range(8))
        device = Device(f"M1{secrets.token_urlsafe(40)}", user_code, client_id, scope, self._clock.timestamp())
        self._waiting[device.device_code] = device
        return device

    def decide(self, user_code: str, user_id: str, *, approve: bool) -> bool:
        """Approve or deny the device that shows this code; False when none does."""
        for device in self._waiting.values():
            if device.user_code == user_code.upper() and device.state == "pending":
                device.state, device.user_id = ("approved" if approve else "denied"), user_id
                return True
        return False

    def ask(self, device_code: str, client_id: str) -> Device | str:
        """The device once it is approved, else the error of RFC 8628 §3.5 that its app gets."""
        device, now = self._waiting.get(device_code), self._clock.timestamp()
        if device is None or device.client_id != client_id or now - device.begun_at > DEVICE_SECONDS:
            return "invalid_grant"
        too_soon = now - device.asked_at < INTERVAL_SECONDS
        device.asked_at = now
        if device.state == "pending":
            return "slow_down" if too_soon else "authorization_pending"
        del self._waiting[device_code]
        return device if device.state == "approved" else "access_denied"
