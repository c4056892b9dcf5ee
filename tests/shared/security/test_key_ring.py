"""Sealing at rest: bound to a place, tamper-proof, and rotated without a restart."""

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.security.key_ring import KeyRing, ensure_key_file, rotate_key_file
from shared.security.secrets import Secret, UnreadableSecretError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return ensure_key_file(tmp_path / "sealing" / "keys")


def ring(path: Path, **options: object) -> KeyRing:
    return KeyRing(Secret(f"file:{path}"), **options)


def test_what_was_sealed_opens_in_its_place_only(path: Path) -> None:
    sealed = ring(path).seal(b"phone 0800", "f/1:outcome")
    assert b"0800" not in sealed
    assert ring(path).open(sealed, "f/1:outcome") == b"phone 0800"
    with pytest.raises(ValueError, match="another place"):
        ring(path).open(sealed, "f/2:outcome")


def test_the_same_payload_never_looks_the_same(path: Path) -> None:
    keys = ring(path)
    assert len({keys.seal(b"", "x") for _ in range(100)}) == 100


@pytest.mark.parametrize("position", [0, 3, 12, 25, -1])
def test_a_changed_byte_is_noticed(path: Path, position: int) -> None:
    keys = ring(path)
    sealed = bytearray(keys.seal(b"payload", "x"))
    sealed[position] ^= 1
    with pytest.raises(ValueError, match=r"changed|not sealed here|is not in"):
        keys.open(bytes(sealed), "x")


@pytest.mark.parametrize("foreign", [b"", b'{"a":1}', b"\x01short", b"\x02" + bytes(60)])
def test_what_was_not_sealed_is_refused(path: Path, foreign: bytes) -> None:
    with pytest.raises(ValueError, match="not sealed here"):
        ring(path).open(foreign, "x")


def test_after_a_rotation_old_keys_open_and_the_new_one_seals(path: Path) -> None:
    now = [0.0]
    running, old = ring(path, clock=lambda: now[0]), ring(path).seal(b"old", "x")
    key_id = rotate_key_file(path)
    fresh = ring(path).seal(b"new", "x")
    assert fresh[1:9].hex() == key_id
    assert old[1:9].hex() != key_id
    assert running.open(fresh, "x") == b"new"  # a key it does not know makes it look at once
    assert running.open(old, "x") == b"old"
    assert running.seal(b"", "x")[1:9].hex() == key_id
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_running_ring_notices_a_rotation_by_itself(path: Path) -> None:
    now = [0.0]
    running = ring(path, clock=lambda: now[0])
    key_id = rotate_key_file(path)
    assert running.seal(b"", "x")[1:9].hex() != key_id
    now[0] = 10.1
    assert running.seal(b"", "x")[1:9].hex() == key_id


def test_without_its_key_nothing_opens_and_the_key_is_named(path: Path) -> None:
    sealed = ring(path).seal(b"old", "x")
    path.write_text(base64.b64encode(os.urandom(32)).decode())
    with pytest.raises(ValueError, match=sealed[1:9].hex()):
        ring(path).open(sealed, "x")


def test_keys_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [base64.b64encode(os.urandom(32)).decode() for _ in range(2)]
    monkeypatch.setenv("SEALING_KEYS", keys[0])
    sealed = KeyRing(Secret("env:SEALING_KEYS")).seal(b"x", "p")
    monkeypatch.setenv("SEALING_KEYS", "\n".join(reversed(keys)))
    assert KeyRing(Secret("env:SEALING_KEYS")).open(sealed, "p") == b"x"


@pytest.mark.parametrize("content", ["short", base64.b64encode(b"x" * 31).decode(), "ä" * 44])
def test_what_is_no_key_is_refused_without_being_shown(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(UnreadableSecretError, match="32 bytes in base64") as refused:
        ring(path)
    assert content not in str(refused.value)


def test_a_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys"
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ensure_key_file, [path] * 32)) == {path}
    assert [file.name for file in path.parent.iterdir()] == ["keys"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o640)
    with pytest.raises(PermissionError, match="chmod 600"):
        ensure_key_file(path)
