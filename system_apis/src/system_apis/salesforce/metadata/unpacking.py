"""Reads a package that came from outside: nothing of it touches the file system."""

import io
import zipfile
import zlib
from pathlib import PurePosixPath

from shared.binding.problems import BackendFault

MOST_FILES = 10_000
MOST_BYTES = 400 * 1024 * 1024
"""Unpacked; both are Salesforce's own limits for a package (Metadata API Developer Guide, "Metadata Limits")."""
_MOST_RATIO = 200
_ALWAYS = 16 * 1024 * 1024


def unpacked(package: bytes) -> dict[str, bytes]:
    """The files of a zip by path.

    Raises:
        BackendFault: It is no zip, would grow without measure, or names paths outside itself.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(package)) as opened:
            entries = [each for each in opened.infolist() if not each.is_dir()]
            _check(entries, len(package))
            # Reading stops at the size that the header says, which was counted.
            return {each.filename: opened.read(each) for each in entries}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        raise BackendFault("Salesforce sent a package that is no zip file.") from None


def _check(entries: list[zipfile.ZipInfo], packed: int) -> None:
    if len(entries) > MOST_FILES:
        raise BackendFault(f"Salesforce sent a package of more than {MOST_FILES} files.")
    if sum(each.file_size for each in entries) > min(MOST_BYTES, max(_ALWAYS, packed * _MOST_RATIO)):
        raise BackendFault("Salesforce sent a package that would grow without measure.")
    if len({each.filename for each in entries}) < len(entries):
        raise BackendFault("Salesforce sent a package that names a file twice.")
    for each in entries:
        path = PurePosixPath(each.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in each.filename or ":" in each.filename:
            raise BackendFault("Salesforce sent a package with a path that leads out of it.")
