"""API names: what may stand where SOQL, SOSL and URLs expect an identifier (Object Reference, "API Names")."""

import re

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


def is_name(text: str) -> bool:
    """Whether a text can be the API name of an object, a field or a relationship."""
    return _NAME.fullmatch(text) is not None
