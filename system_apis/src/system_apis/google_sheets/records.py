"""What the Sheets API v4 sends and takes (developers.google.com/sheets/api/reference/rest), as far as we use it."""

import msgspec

from shared.contracts.system.tables import CellValue


class ValueRange(msgspec.Struct, frozen=True, omit_defaults=True):
    """A ValueRange by rows. What Google sends leaves out empty cells and rows at the end; null leaves a cell alone."""

    range: str
    values: list[list[CellValue]] = []


class ValueRanges(msgspec.Struct, frozen=True):
    """The answer of `values:batchGet`, one range for each that was asked for."""

    valueRanges: list[ValueRange]  # noqa: N815 - Google's spelling


class ValuesToPut(msgspec.Struct, frozen=True):
    """The body of `values:batchUpdate`. RAW: no text becomes a formula, a number or a date."""

    data: list[ValueRange]
    valueInputOption: str = "RAW"  # noqa: N815 - Google's spelling


class Updates(msgspec.Struct, frozen=True):
    """An UpdateValuesResponse; `updatedRange` such as `'Price list'!A5:D6`."""

    updatedRange: str  # noqa: N815 - Google's spelling


class Appended(msgspec.Struct, frozen=True):
    """The answer of `:append`."""

    updates: Updates


class TokenRecord(msgspec.Struct, frozen=True):
    """The answer of the token endpoint; its life in seconds."""

    access_token: str
    expires_in: int = 3600

    def __repr__(self) -> str:
        """Without what is secret."""
        return f"TokenRecord(expires_in={self.expires_in!r})"


class FaultDetail(msgspec.Struct, frozen=True):
    """A google.rpc.Status as JSON."""

    message: str = ""
    status: str = ""


class FaultEnvelope(msgspec.Struct, frozen=True):
    """Any error of the API."""

    error: FaultDetail
