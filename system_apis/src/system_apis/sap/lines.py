"""A long text in the short fields SAP has for it, and back, without losing or inventing a character.

A text is broken at a space where one comes in time, else where a field is full. So a field that could have held the
next character ended at a space, and one that could not was full: that is how the fields are joined again. SAP counts
UTF-16 code units, of which some characters need two.
"""

from collections.abc import Sequence
from itertools import pairwise


def tidy(text: str) -> str:
    """The text with single spaces inside and none around, as SAP's fields can hold it."""
    return " ".join(text.split())


def width(text: str) -> int:
    """The places a text takes in a character field of SAP's."""
    return len(text) + sum(1 for char in text if char > "\uffff")


def broken(text: str, widths: Sequence[int]) -> list[str] | None:
    """A tidy text as at most as many lines as there are fields, each no wider than its field; None if it cannot be."""
    if width(text) <= widths[0]:
        return [text] if text else []
    if width(text) > sum(widths) + len(widths) - 1:
        return None
    for end, following in _breaks(text, widths[0]):
        rest = broken(text[following:], widths[1:]) if len(widths) > 1 else None
        if rest is not None:
            return [text[:end], *rest]
    return None


def joined(lines: Sequence[str | None], widths: Sequence[int]) -> str:
    """The text that was broken into these lines; further lines may be empty or missing."""
    filled = [(line, wide) for line, wide in zip(lines, widths, strict=False) if line]
    text = filled[0][0] if filled else ""
    for (before, wide), (after, _) in pairwise(filled):
        text += ("" if after[0] == " " or width(before) + width(after[0]) > wide else " ") + after
    return text


def _breaks(text: str, wide: int) -> list[tuple[int, int]]:
    """Where a line may end and the next begin, the best first: the last spaces in time, then where it is full.

    A word as long as the line leaves its space to the next one, which begins with it.
    """
    full = 0
    while width(text[: full + 1]) <= wide:
        full += 1
    spaces = [at for at in range(full, 0, -1) if text[at] == " "]
    in_time = [(at, at + 1) for at in spaces if width(text[:at]) + width(text[at + 1]) <= wide]
    filled = [(full, full)] if " " not in (text[full - 1], text[full]) else []
    return [*in_time, *filled, *((at, at) for at in spaces[:1])]
