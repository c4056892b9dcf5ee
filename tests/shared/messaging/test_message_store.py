"""Messages are known again by what was signed of them, for much longer than they are kept."""

import hashlib
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from shared.messaging.message_store import MessageStore

BODY = b'{"id":1}'
Opened = Callable[..., MessageStore]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    stores: list[MessageStore] = []

    def open_(*, keep_days: float = 30.0, known_days: float = 730.0) -> MessageStore:
        store = MessageStore(tmp_path / "messages.sqlite3", "shop", keep_days=keep_days, known_days=known_days)
        stores.append(store)
        return store

    yield open_
    for store in stores:
        await store.aclose()


async def kept(store: MessageStore) -> list[str]:
    return [event.payload for event in (await store.feed("all", None, "oldest", 100)).items]


async def test_content_is_known_again_under_any_type_after_its_message_is_gone(opened: Opened) -> None:
    store = opened(keep_days=0.0)
    assert await store.add(None, "orders-create", "1", BODY)
    assert await store.add(None, "orders-create", "2", b"another")
    assert await kept(store) == ["2"]
    assert not await store.add(None, "orders-create", "3", BODY)
    assert not await store.add(None, "orders-paid", "4", BODY)


async def test_what_is_too_long_ago_is_forgotten_and_never_before_its_message(opened: Opened) -> None:
    assert await opened(known_days=0.0).add(None, "made", "1", BODY)
    assert not await opened(known_days=0.0).add(None, "made", "2", BODY)
    assert await opened(keep_days=0.0, known_days=0.0).add(None, "made", "3", BODY)


async def test_where_ids_are_signed_each_attempt_is_known_by_its_id_and_then_by_its_content(opened: Opened) -> None:
    store = opened()
    assert await store.add("evt_1", "moved", "1", BODY)
    assert not await store.add("evt_1", "moved", "2", b"the next attempt")
    assert not await store.add(None, "moved", "3", b"the next attempt")
    assert await kept(store) == ["1"]


async def test_a_file_that_remembered_nothing_else_knows_its_messages_again(opened: Opened, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "messages.sqlite3")
    connection.execute(
        "CREATE TABLE message (position INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL UNIQUE, "
        "type TEXT NOT NULL, payload TEXT NOT NULL, digest TEXT NOT NULL, at REAL NOT NULL, UNIQUE (type, digest))"
    )
    row = ("evt_1", "moved", "1", hashlib.sha256(BODY).hexdigest(), time.time())
    connection.execute("INSERT INTO message (message_id, type, payload, digest, at) VALUES (?, ?, ?, ?, ?)", row)
    connection.commit()
    connection.close()
    store = opened()
    assert not await store.add(None, "made", "2", BODY)
    assert not await store.add("evt_1", "moved", "3", b"another attempt")
    assert await kept(store) == ["1"]
