"""A folder of archive files: gzipped JSON lines, one flow a line, one file for the flows that ended in a month.

Each batch is a gzip member of its own (RFC 1952 §2.2), so `zcat` reads a file from its beginning and a flow's place,
`file:offset`, leads to it without reading what comes before. Payloads are sealed as they were in the journal. How much
of a file counts the journal knows: what a process that was killed had written beyond that is cut off, never archived
twice.
"""

import fcntl
import gzip
import os
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import msgspec

from shared.durable.journal_retention import ArchivedFlow

_line = msgspec.json.Decoder(ArchivedFlow)
_QUICKLY = 1  # what is sealed only loses its base64, and that at any level
_CHUNK = 65_536
_GZIP = 31  # zlib's name for a gzip header


class ArchiveBusy(Exception):  # noqa: N818 - reads as what it is
    """Another process is writing to this archive."""


class ArchiveFolder:
    """Where archive files are. Any number of processes may read; one at a time writes.

    Args:
        path: The folder; made when something is archived.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    # --- writing -------------------------------------------------------------------------------------

    @contextmanager
    def held(self) -> Generator[None]:
        """Be the only writer for the length of the block; the kernel lets go when we die.

        Raises:
            ArchiveBusy: Another process is.
            OSError: The folder cannot be written.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise ArchiveBusy(f"Another process archives into {self.path}; let it finish.") from None
        finally:
            os.close(lock)

    def file_for(self, ended_at: float, known: Mapping[str, int]) -> str:
        """The file for flows that ended in the month of `ended_at`: one that is here as it is known, or a new name.

        Args:
            ended_at: Unix seconds.
            known: How many bytes of each file count.
        """
        stem = f"flows-{datetime.fromtimestamp(ended_at, UTC):%Y-%m}-"
        for name, length in sorted(known.items()):
            if name.startswith(stem) and self.size(name) == length:
                return name
        return f"{stem}{uuid4().hex[:8]}.jsonl.gz"

    def append(self, name: str, length: int, flows: Sequence[ArchivedFlow]) -> int:
        """Write flows at the end of a file of `length` bytes; returns where they end, once they are on disk.

        Raises OSError when they cannot be written.
        """
        member = gzip.compress(b"".join(msgspec.json.encode(flow) + b"\n" for flow in flows), _QUICKLY, mtime=0)
        file = os.open(self.path / name, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            written = 0
            while written < len(member):
                written += os.pwrite(file, member[written:], length + written)
            os.fsync(file)
        finally:
            os.close(file)
        if length == 0:
            self._sync_folder()
        return length + len(member)

    def withdraw(self, name: str, length: int) -> None:
        """Cut off what stands behind the first `length` bytes."""
        os.truncate(self.path / name, length)

    def size(self, name: str) -> int:
        """Bytes of a file, 0 for one that is not here."""
        try:
            return (self.path / name).stat().st_size
        except FileNotFoundError:
            return 0

    def _sync_folder(self) -> None:
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    # --- reading -------------------------------------------------------------------------------------

    def read(self, place: str, flow_id: str) -> ArchivedFlow | None:
        """The flow at a place that the journal told; None when the file is not here or does not hold it."""
        name, _, offset = place.rpartition(":")
        try:
            with (self.path / name).open("rb") as file:
                file.seek(int(offset))
                lines = _member(file)
        except (OSError, ValueError, zlib.error):
            return None
        return next((flow for flow in _flows(lines) if flow.flow.flow_id == flow_id), None)

    def files(self) -> list[Path]:
        """The archive files, in the order of their months."""
        return sorted(self.path.glob("flows-*.jsonl.gz"))

    def find(self, flow_id: str) -> ArchivedFlow | None:
        """Look for a flow in all files, newest first: reads them whole, as when there is no journal to ask."""
        for path in reversed(self.files()):
            found = [flow for flow in self.flows(path) if flow.flow.flow_id == flow_id]
            if found:
                return found[-1]
        return None

    @staticmethod
    def flows(path: Path, start: int = 0) -> Iterator[ArchivedFlow]:
        """The flows of a file from a byte on; a batch that a killed process left half written is passed over."""
        with path.open("rb") as file:
            file.seek(start)
            while True:
                try:
                    lines = _member(file)
                except (EOFError, zlib.error):
                    return
                if not lines:
                    return
                yield from _flows(lines)


def _member(file: BinaryIO) -> bytes:
    """The gzip member at a file's position, which then is behind it; nothing at the end.

    Raises EOFError or zlib.error when it is not whole.
    """
    inflate, lines = zlib.decompressobj(_GZIP), bytearray()
    while not inflate.eof:
        chunk = file.read(_CHUNK)
        if not chunk:
            if lines or inflate.unconsumed_tail:
                raise EOFError
            return b""
        lines += inflate.decompress(chunk)
    file.seek(-len(inflate.unused_data), os.SEEK_CUR)
    return bytes(lines)


def _flows(lines: bytes) -> Iterator[ArchivedFlow]:
    return (_line.decode(line) for line in lines.splitlines())
