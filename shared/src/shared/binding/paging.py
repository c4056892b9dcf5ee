"""Opaque cursors: where a list goes on, readable only to the API that gave it."""

import base64
from typing import Any, TypeVar

import msgspec

from shared.binding.problems import FieldError, Invalid

_T = TypeVar("_T")


def encode_cursor(position: Any) -> str:
    """A URL-safe cursor for a position: any msgspec value, nothing secret (it is readable, not sealed)."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(position)).rstrip(b"=").decode()


def decode_cursor(cursor: str, kind: type[_T], parameter: str = "cursor") -> _T:
    """The position in a cursor that came as this parameter; raises Invalid for one that this list never gave."""
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.msgpack.decode(packed, type=kind)
    except (ValueError, msgspec.MsgspecError):
        fault = FieldError(detail="Not a cursor of this list", parameter=parameter)
        raise Invalid("The cursor is not one of this list; begin without it.", errors=[fault]) from None
