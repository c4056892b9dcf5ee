"""Masks secrets in whatever is about to be written where people read it."""

import re

MASK = "[masked]"


def mask_text(text: str) -> str:
    """The text with everything that looks like a credential masked."""
    return _CREDENTIAL.sub(MASK, text)


_CREDENTIAL = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
