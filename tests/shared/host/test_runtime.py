"""Secrets that processes make for each other when they start at the same time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.host.runtime import ensure_secret


def test_a_secret_that_many_make_at_once_is_one_and_whole_for_all(tmp_path: Path) -> None:
    for number in range(200):
        path = tmp_path / f"{number}.secret"
        with ThreadPoolExecutor(4) as threads:
            read = set(threads.map(lambda _, path=path: ensure_secret(path).read_text(), range(4)))
        assert len(read) == 1
        assert len(read.pop()) == 43
    assert {each.suffix for each in tmp_path.iterdir()} == {".secret"}


def test_a_secret_is_for_its_owner_only_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "clients" / "one.secret"
    first = ensure_secret(path).read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert ensure_secret(path).read_text() == first
