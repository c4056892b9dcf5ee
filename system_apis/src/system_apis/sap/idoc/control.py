"""The control record of an IDoc: who sends what to whom, under which number.

Source: structure EDI_DC40, 524 characters.
"""

from itertools import pairwise
from typing import Final

import msgspec

from system_apis.sap.idoc.refusals import IdocRefused


class ControlRecord(msgspec.Struct, frozen=True, kw_only=True):
    """EDI_DC40. Every field is text without the blanks that fill it up; moments are YYYYMMDD and HHMMSS.

    Attributes:
        DOCNUM: The sender's number of the document, 16 digits.
        STATUS: See status codes in `types.confirmations`.
        DIRECT: 1 for what leaves SAP, 2 for what comes in.
        IDOCTYP: Basic type, `ORDERS05`; an extension of it is named in CIMTYP.
        MESTYP: What is said, `ORDERS`; with MESCOD and MESFCT.
        SNDPOR: Port of the sender; with SNDPRT (LS system, KU customer, LI vendor) and SNDPRN who it is.
        ARCKEY: The sender's own identification.
        SERIAL: Grows with each document about one thing; compared as text.
    """

    TABNAM: str = "EDI_DC40"
    MANDT: str = ""
    DOCNUM: str = ""
    DOCREL: str = ""
    STATUS: str = ""
    DIRECT: str = ""
    OUTMOD: str = ""
    EXPRSS: str = ""
    TEST: str = ""
    IDOCTYP: str = ""
    CIMTYP: str = ""
    MESTYP: str = ""
    MESCOD: str = ""
    MESFCT: str = ""
    STD: str = ""
    STDVRS: str = ""
    STDMES: str = ""
    SNDPOR: str = ""
    SNDPRT: str = ""
    SNDPFC: str = ""
    SNDPRN: str = ""
    SNDSAD: str = ""
    SNDLAD: str = ""
    RCVPOR: str = ""
    RCVPRT: str = ""
    RCVPFC: str = ""
    RCVPRN: str = ""
    RCVSAD: str = ""
    RCVLAD: str = ""
    CREDAT: str = ""
    CRETIM: str = ""
    REFINT: str = ""
    REFGRP: str = ""
    REFMES: str = ""
    ARCKEY: str = ""
    SERIAL: str = ""


_WIDTHS = (
    *(10, 3, 16, 4, 2, 1, 1, 1, 1, 30, 30, 30, 3, 3, 1, 6, 6),
    *(10, 2, 2, 10, 21, 70, 10, 2, 2, 10, 21, 70, 8, 6, 14, 14, 14, 70, 20),
)
CONTROL_WIDTHS: Final = dict(zip(ControlRecord.__struct_fields__, _WIDTHS, strict=True))
"""Characters of each field, in order."""

CONTROL_LENGTH: Final = sum(_WIDTHS)


def control_of(fields: dict[str, str]) -> ControlRecord:
    """A control record of these fields.

    Raises:
        IdocRefused: One is none of its fields, or too long.
    """
    check_widths("EDI_DC40", fields, CONTROL_WIDTHS)
    return ControlRecord(**fields)


def control_fields(control: ControlRecord) -> dict[str, str]:
    """Its fields that are not empty, in order; refused where one is too long."""
    fields: dict[str, str] = {name: value for name, value in msgspec.structs.asdict(control).items() if value}
    check_widths("EDI_DC40", fields, CONTROL_WIDTHS)
    return fields


def control_from_line(line: str) -> ControlRecord:
    """The record of 524 characters.

    Raises:
        IdocRefused: It is shorter or longer, or another record.
    """
    if len(line) != CONTROL_LENGTH or not line.startswith("EDI_DC40"):
        raise IdocRefused(f"This is no EDI_DC40 of {CONTROL_LENGTH} characters; it has {len(line)}.")
    ends = [0]
    for width in _WIDTHS:
        ends.append(ends[-1] + width)
    values = [line[begin:end].rstrip(" ") for begin, end in pairwise(ends)]
    return ControlRecord(**dict(zip(CONTROL_WIDTHS, values, strict=True)))


def control_line(control: ControlRecord) -> str:
    """The record of 524 characters; refused where a field is too long."""
    fields = control_fields(control)
    return "".join(fields.get(name, "").ljust(width) for name, width in CONTROL_WIDTHS.items())


def check_widths(record: str, fields: dict[str, str], widths: dict[str, int]) -> None:
    """Refuse what is none of a record's fields or does not fit into it.

    Raises:
        IdocRefused: Says which and by how much.
    """
    for name, value in fields.items():
        if name not in widths:
            raise IdocRefused(f"{record} has no field {name[:30]!r}.")
        if len(value) > widths[name]:
            raise IdocRefused(f"{record}-{name} holds {widths[name]} characters, not {len(value)}; shorten it.")
