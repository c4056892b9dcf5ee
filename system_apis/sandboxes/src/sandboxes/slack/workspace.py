"""The workspace: its channels, and the messages in them."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from sandboxes.kit import Clock, State
from sandboxes.slack.blocks import Block, check_blocks, sequences
from sandboxes.slack.refusals import Refusal

_SCHEMA = """
CREATE TABLE message (
    channel TEXT NOT NULL,
    at INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (channel, at)
);
"""
TEAM, USER, BOT, APP = "T07TGWTEAM0", "U07TGWUSER0", "B07TGWBOT00", "A07TGWAPP00"
CHANNELS = {
    "orders": "C07TGWORDER", "approvals": "C07TGWAPPRV", "board": "C07TGWBOARD", "retired": "C07TGWOLDER",
}  # fmt: skip
"""Ids by name."""

_MEMBER_OF = frozenset({"orders", "approvals", "retired"})
_ARCHIVED = "retired"
_LONGEST = 40_000
_MICROSECONDS = 1_000_000
_MOST, _USUAL = 999, 100
Document = dict[str, Any]


class Workspace:
    """One workspace with one app in it."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self.state = State(path, _SCHEMA, _nothing)
        self._clock = clock

    def channels(self) -> list[Document]:
        """Every public channel."""
        return [
            {"id": id_, "name": name, "is_channel": True, "is_archived": name == _ARCHIVED,
             "is_member": name in _MEMBER_OF}
            for name, id_ in CHANNELS.items()
        ]  # fmt: skip

    def post(self, given: Mapping[str, object]) -> Document:
        """One more message (chat.postMessage)."""
        channel = _channel(given, named=True)
        text, blocks = str(given.get("text") or "")[:_LONGEST], check_blocks(given.get("blocks") or [])
        if not text.strip() and not blocks:
            raise Refusal("no_text")
        metadata = _metadata(given.get("metadata"))
        with self.state.transaction() as connection:
            at = self._moment(connection, channel)
            message: Document = {
                "type": "message", "subtype": "bot_message", "text": text, "ts": _ts(at), "user": USER, "bot_id": BOT,
                "app_id": APP, "team": TEAM, "blocks": blocks, **({"metadata": metadata} if metadata else {}),
            }  # fmt: skip
            document = msgspec.json.encode(message).decode()
            connection.execute("INSERT INTO message VALUES (?, ?, ?)", (channel, at, document))
        return {"channel": channel, "ts": _ts(at), "message": message}

    def history(self, given: Mapping[str, object]) -> Document:
        """Messages of a channel, newest first (conversations.history); `cursor` is the last page's oldest."""
        channel = _channel(given, named=False)
        size = min(max(_whole(given.get("limit"), _USUAL), 1), _MOST)
        oldest = int(_number(given.get("oldest"), 0) * _MICROSECONDS)
        before = _whole(given.get("cursor"), 2**62)
        rows = self.state.connection.execute(
            "SELECT at, document FROM message WHERE channel = ? AND at > ? AND at < ? ORDER BY at DESC LIMIT ?",
            (channel, oldest, before, size + 1),
        ).fetchall()
        messages = [msgspec.json.decode(row["document"], type=Document) for row in rows[:size]]
        if str(given.get("include_all_metadata", "")).lower() not in ("true", "1"):
            for message in messages:
                message.pop("metadata", None)
        more = len(rows) > size
        cursor = str(rows[size - 1]["at"]) if more else ""
        return {"messages": messages, "has_more": more, "response_metadata": {"next_cursor": cursor}}

    def ledger(self) -> dict[str, object]:
        """Every message, oldest first, with what Slack would act upon."""
        rows = self.state.connection.execute("SELECT channel, document FROM message ORDER BY at")
        found = [(str(row["channel"]), msgspec.json.decode(row["document"], type=Document)) for row in rows]
        return {"messages": [_told(channel, message) for channel, message in found]}

    def _moment(self, connection: sqlite3.Connection, channel: str) -> int:
        """Now, in microseconds; a channel's are never the same twice."""
        newest = connection.execute("SELECT max(at) FROM message WHERE channel = ?", (channel,)).fetchone()[0]
        return max(int(self._clock.timestamp() * _MICROSECONDS), (newest or 0) + 1)


def _told(channel: str, message: Document) -> Document:
    blocks: list[Block] = message["blocks"]
    return {
        "channel": channel, "ts": message["ts"], "text": message["text"], "blocks": blocks,
        "metadata": message.get("metadata"), "sequences": sequences(message["text"], blocks),
    }  # fmt: skip


def _channel(given: Mapping[str, object], *, named: bool) -> str:
    wanted = str(given.get("channel") or "")
    for name, id_ in CHANNELS.items():
        if wanted == id_ or (named and wanted.removeprefix("#") == name):
            if name not in _MEMBER_OF:
                raise Refusal("not_in_channel")
            if name == _ARCHIVED and named:
                raise Refusal("is_archived")
            return id_
    raise Refusal("channel_not_found")


def _metadata(given: object) -> Document | None:
    if not given:
        return None
    found: Document = cast("Document", given) if isinstance(given, dict) else {}
    if not isinstance(found.get("event_type"), str) or not isinstance(found.get("event_payload"), dict):
        raise Refusal("invalid_metadata_format")
    return found


def _ts(at: int) -> str:
    return f"{at // _MICROSECONDS}.{at % _MICROSECONDS:06d}"


def _number(given: object, usual: float) -> float:
    try:
        return float(str(given)) if given else usual
    except ValueError:
        raise Refusal("invalid_arguments") from None


def _whole(given: object, usual: int) -> int:
    text = str(given or usual)
    if not (text.isascii() and text.isdecimal()):
        raise Refusal("invalid_cursor" if usual > _MOST else "invalid_arguments")
    return int(text)


def _nothing(_: sqlite3.Connection) -> None:
    """A new workspace is silent."""
