"""How payloads become the opaque bytes a journal stores."""

from typing import Protocol


class PayloadCodec(Protocol):
    """Seals payloads on their way into the journal; what is sealed for one place opens only there."""

    def seal(self, payload: bytes, place: str) -> bytes:
        """Return the bytes to store. `place` names flow and column; bind the ciphertext to it."""
        ...

    def open(self, sealed: bytes, place: str) -> bytes:
        """Return what was sealed for this place; raises ValueError for anything else."""
        ...


class PlainCodec:
    """Stores payloads as they are: readable JSON."""

    def seal(self, payload: bytes, place: str) -> bytes:  # noqa: ARG002 - the port's signature
        """Return the payload."""
        return payload

    def open(self, sealed: bytes, place: str) -> bytes:  # noqa: ARG002 - the port's signature
        """Return the payload."""
        return sealed
