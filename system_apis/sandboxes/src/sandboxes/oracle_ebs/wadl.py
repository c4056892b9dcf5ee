"""The WADL of a deployed interface (W3C member submission, 31 August 2009)."""

from collections.abc import Sequence

_NAMESPACE = "http://wadl.dev.java.net/2009/02"


def wadl(base: str, procedures: Sequence[str]) -> str:
    """The document; `base` is the interface's URL."""
    media = '<representation mediaType="application/json"/><representation mediaType="application/xml"/>'
    resources = "".join(
        f'<resource path="{one}/"><method name="POST" id="{one.upper()}"><request>{media}</request>'
        f"<response>{media}</response></method></resource>"
        for one in procedures
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><application xmlns="{_NAMESPACE}" name="OE_ORDER_PUB">'
        f'<resources base="{base}">{resources}</resources></application>'
    )
