"""What workers that may die at any moment say they do: a line each, in a file that outlives them.

A line is a worker's number, a word and what it is about. Lines are appended by one system call each, so what a
killed process wrote is whole.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

Word = Literal["boundary", "begin", "end", "claimed", "durable", "stale", "killed", "stopped"]
"""boundary: one was crossed for the first time. begin, end: of a call. claimed: a flow, its fence and the steps it came
with. durable: a step's outcome was committed under a fence. stale: a save was accepted under a fence that was lost.
killed, stopped: at a boundary."""


class Entry(NamedTuple):
    """One line: who, what, about what."""

    worker: int
    word: str
    rest: list[str]


class Trail:
    """Writes the lines of one worker.

    Args:
        path: Of the file.
        worker: Its number, unique in the file.
    """

    def __init__(self, path: Path, worker: int) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._worker = worker

    def write(self, word: Word, *about: object) -> None:
        """Append one line; it stays whatever becomes of this process."""
        os.write(self._file, " ".join(map(str, (self._worker, word, *about))).encode() + b"\n")


class TrailReader:
    """Reads a trail as it grows.

    Args:
        path: Of the file, which need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def fresh(self) -> Iterator[Entry]:
        """The entries since the last call."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        text = text[: text.rfind(b"\n") + 1]
        self._offset += len(text)
        for line in text.decode().splitlines():
            worker, word, *rest = line.split(" ")
            yield Entry(int(worker), word, rest)
