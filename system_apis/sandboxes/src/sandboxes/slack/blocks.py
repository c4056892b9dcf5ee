"""Block Kit as far as messages of text need it: what Slack accepts, and what it would act upon."""

import re
from collections.abc import Iterator
from typing import Any, cast

from sandboxes.slack.refusals import Refusal

MOST_BLOCKS = 50
_SECTION_TEXT, _FIELD_TEXT, _HEADER_TEXT, _MOST_FIELDS = 3000, 2000, 150, 10
_SEQUENCE = re.compile(r"<[^<>]+>")
Block = dict[str, Any]


def check_blocks(blocks: object) -> list[Block]:
    """The blocks, or the refusal `invalid_blocks`."""
    if not isinstance(blocks, list) or len(found := cast("list[object]", blocks)) > MOST_BLOCKS:
        raise Refusal("invalid_blocks")
    return [_checked(one) for one in found]


def sequences(text: str, blocks: list[Block]) -> list[str]:
    """What Slack would act upon: every `<...>` in the text and in mrkdwn of the blocks."""
    texts = [text, *(one["text"] for block in blocks for one in _texts(block) if one["type"] == "mrkdwn")]
    return [found for one in texts for found in _SEQUENCE.findall(one)]


def _texts(block: Block) -> Iterator[Block]:
    if "text" in block:
        yield block["text"]
    yield from block.get("fields", ())
    yield from block.get("elements", ())


def _checked(given: object) -> Block:
    block = _object(given)
    match block.get("type"):
        case "section":
            fields = block.get("fields", [])
            if ("text" not in block and not fields) or not isinstance(fields, list) or len(fields) > _MOST_FIELDS:  # pyright: ignore[reportUnknownArgumentType]
                raise Refusal("invalid_blocks")
            _check_texts([block["text"]] if "text" in block else [], _SECTION_TEXT)
            _check_texts(cast("list[object]", fields), _FIELD_TEXT)
        case "header":
            _check_texts([block.get("text")], _HEADER_TEXT, frozenset({"plain_text"}))
        case "context":
            _check_texts(block.get("elements") or [None], _SECTION_TEXT)
        case "divider":
            pass
        case _:
            raise Refusal("invalid_blocks")
    return block


def _check_texts(
    texts: list[object], longest: int, kinds: frozenset[str] = frozenset({"plain_text", "mrkdwn"})
) -> None:
    for given in texts:
        one = _object(given)
        text = one.get("text")
        if one.get("type") not in kinds or not isinstance(text, str) or not 0 < len(text) <= longest:
            raise Refusal("invalid_blocks")


def _object(given: object) -> Block:
    if not isinstance(given, dict):
        raise Refusal("invalid_blocks")
    return cast("Block", given)
