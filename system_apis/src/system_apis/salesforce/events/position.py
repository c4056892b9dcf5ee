"""Positions in a channel, as cursors carry them: letters, digits, `-` and `_` only."""

from base64 import b64decode, urlsafe_b64encode
from binascii import Error
from contextlib import suppress
from datetime import UTC, datetime

from shared.messaging.event_source import PositionExpired

_REPLAY, _SINCE = "r-", "since-"


def position_of(replay_id: bytes) -> str:
    """The position behind the event with this replay id, which is opaque."""
    return _REPLAY + urlsafe_b64encode(replay_id).decode().rstrip("=")


def replay_id_of(position: str) -> bytes:
    """The replay id of a position; PositionExpired when it is none of this source."""
    text = position.removeprefix(_REPLAY)
    with suppress(Error, ValueError):
        replay_id = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        if text != position and replay_id:
            return replay_id
    raise PositionExpired("That is no place in a Salesforce channel; begin with the oldest event, or the latest.")


def position_since(moment: datetime) -> str:
    """The position before everything that happens from this moment on, for as long as no replay id is known."""
    return f"{_SINCE}{int(moment.timestamp() * 1000)}"


def moment_of(position: str) -> datetime | None:
    """The moment of such a position; None for any other."""
    digits = position.removeprefix(_SINCE)
    if digits == position or not digits.isdecimal():
        return None
    return datetime.fromtimestamp(int(digits[:15]) / 1000, UTC)
