"""INVOIC02: invoices. Its header, partners, references, items and sums are those of orders."""

from typing import Final

import msgspec

from system_apis.sap.idoc.document import C3, C8, C15, C17, C18

INVOIC02: Final = (
    *("E1EDK01", "E1EDKA1", "E1EDK02", "E1EDK03", "E1EDK04", "E1EDK05", "E1EDK17", "E1EDK18", "E1EDK14", "E1EDKT1"),
    *("E1EDKT2", "E1EDP01", "E1EDP02", "E1EDP03", "E1EDP19", "E1EDPA1", "E1EDP05", "E1EDP26", "E1EDP04", "E1EDS01"),
)
"""Segments in the order of the type, each level by itself."""


class E1EDK04(msgspec.Struct, frozen=True, kw_only=True):
    """A tax of the document: code, rate in per cent, amount."""

    MWSKZ: C8 = ""
    MSATZ: C17 = ""
    MWSBT: C18 = ""
    TXJCD: C15 = ""


class E1EDP04(msgspec.Struct, frozen=True, kw_only=True):
    """A tax of an item."""

    MWSKZ: C8 = ""
    MSATZ: C17 = ""
    MWSBT: C18 = ""
    TXJCD: C15 = ""


class E1EDP26(msgspec.Struct, frozen=True, kw_only=True):
    """An amount of an item: 002 gross, 003 net, …."""

    QUALF: C3 = ""
    BETRG: C18 = ""
