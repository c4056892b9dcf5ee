"""The `Idempotency-Key` header and the refusals it brings (draft-ietf-httpapi-idempotency-key-header-07)."""

import re

from shared.binding.problems import Conflict, FieldError, Invalid, Refused

_QUOTED = re.compile(r'"((?:[!#-\[\]-~]|\\["\\]){1,510})"')
_BARE = re.compile(r"[!#-+\--:<-\[\]-~]{1,255}")  # visible ASCII without `"`, `,`, `;` and `\`
_LONGEST = 255


class IdempotencyKeyReused(Refused):
    """The key was used before, for a request with another content."""

    title = "Idempotency key reused"


class IdempotencyKeyInFlight(Conflict):
    """The first request with this key has not finished."""

    title = "Idempotency key in flight"


def parse_idempotency_key(value: str) -> str:
    """The key in a header value: a structured-field string (RFC 9651 §3.3.3), or bare as many clients send it.

    Args:
        value: The header as received, e.g. `"8e03978e-40d5-43dd-bc93-6894a57f9324"` with or without quotes.

    Returns:
        The key itself: 1 to 255 visible ASCII characters.

    Raises:
        Invalid: The value is neither; the problem names the header.
    """
    value = value.strip(" \t")
    quoted = _QUOTED.fullmatch(value)
    if quoted:
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    elif _BARE.fullmatch(value):
        key = value
    else:
        key = ""
    if not 1 <= len(key) <= _LONGEST:
        sentence = "Send 1 to 255 visible ASCII characters in double quotes, such as a UUID."
        raise Invalid(
            f"The Idempotency-Key header cannot be read. {sentence}",
            errors=[FieldError(sentence, parameter="Idempotency-Key")],
        )
    return key
