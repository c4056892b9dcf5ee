"""Decompression that cannot be made to fill the memory (RFC 1952)."""

import zlib
from collections.abc import Iterator

from shared.resilience.wire import ReplyBroken, ReplyTooLarge

_PIECE_BYTES = 256 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class Gunzip:
    """Decompresses piece by piece, members in sequence included."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP)

    def feed(self, compressed: bytes) -> Iterator[bytes]:
        """What these bytes unfold to, in pieces of at most 256 KiB.

        Raises:
            ReplyBroken: They are not gzip.
        """
        while compressed:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP)
            try:
                plain = self._member.decompress(compressed, _PIECE_BYTES)
            except zlib.error as error:
                raise ReplyBroken("The answer is not the gzip it says it is.") from error
            compressed = self._member.unconsumed_tail or self._member.unused_data
            if plain:
                yield plain

    def finish(self) -> None:
        """Check that the last member came to its end.

        Raises:
            ReplyBroken: It did not.
        """
        if not self._member.eof:
            raise ReplyBroken("The compressed answer broke off.")


def gunzip(compressed: bytes, cap: int) -> bytes:
    """The whole plain body.

    Raises:
        ReplyTooLarge: It unfolds to more than `cap` bytes.
        ReplyBroken: It is not gzip, or broke off.
    """
    member = Gunzip()
    pieces: list[bytes] = []
    size = 0
    for piece in member.feed(compressed):
        size += len(piece)
        if size > cap:
            raise ReplyTooLarge(f"The answer unfolds to more than {cap} bytes.")
        pieces.append(piece)
    member.finish()
    return b"".join(pieces)
