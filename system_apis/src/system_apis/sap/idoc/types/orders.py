"""ORDERS05: orders (ORDERS), confirmations (ORDRSP), changes (ORDCHG); its segments also make up INVOIC02."""

from typing import Final

import msgspec

from system_apis.sap.idoc.document import C1, C2, C3, C4, C6, C8, C9, C10, C12, C15, C17, C18, C35, C70

ORDERS05: Final = (
    *("E1EDK01", "E1EDK14", "E1EDK03", "E1EDK04", "E1EDK05", "E1EDKA1", "E1EDK02", "E1EDK17", "E1EDK18", "E1EDKT1"),
    *("E1EDKT2", "E1EDP01", "E1EDP02", "E1EDP03", "E1EDP04", "E1EDP05", "E1EDP20", "E1EDPA1", "E1EDP19", "E1EDPT1"),
    *("E1EDPT2", "E1EDS01"),
)
"""Segments in the order of the type, each level by itself."""


class E1EDK01(msgspec.Struct, frozen=True, kw_only=True):
    """Header: action, currencies, terms, the document's kind and number."""

    ACTION: C3 = ""
    CURCY: C3 = ""
    HWAER: C3 = ""
    WKURS: C12 = ""
    ZTERM: C17 = ""
    BSART: C4 = ""
    BELNR: C35 = ""
    AUTLF: C1 = ""
    AUGRU: C3 = ""
    LIFSK: C2 = ""


class E1EDK14(msgspec.Struct, frozen=True, kw_only=True):
    """Organisation: 006 division, 007 distribution channel, 008 sales organisation, 012 order type, 016 office."""

    QUALF: C3 = ""
    ORGID: C35 = ""


class E1EDK03(msgspec.Struct, frozen=True, kw_only=True):
    """A date: 002 requested delivery, 012 document, 022 customer's order, 026 billing."""

    IDDAT: C3 = ""
    DATUM: C8 = ""
    UZEIT: C6 = ""


class E1EDK05(msgspec.Struct, frozen=True, kw_only=True):
    """A condition of the whole document."""

    ALCKZ: C3 = ""
    KSCHL: C4 = ""
    KOTXT: C70 = ""
    BETRG: C18 = ""


class E1EDKA1(msgspec.Struct, frozen=True, kw_only=True):
    """A partner: AG sold-to, WE ship-to, RE bill-to, RG payer, LF vendor."""

    PARVW: C3 = ""
    PARTN: C17 = ""
    LIFNR: C17 = ""
    NAME1: C35 = ""
    STRAS: C35 = ""
    ORT01: C35 = ""
    PSTLZ: C9 = ""
    LAND1: C3 = ""


class E1EDK02(msgspec.Struct, frozen=True, kw_only=True):
    """A reference: 001 customer's order number, 002 our order, 009 invoice, 012 delivery, 044 ship-to's order."""

    QUALF: C3 = ""
    BELNR: C35 = ""
    POSNR: C6 = ""
    DATUM: C8 = ""
    UZEIT: C6 = ""


class E1EDK17(msgspec.Struct, frozen=True, kw_only=True):
    """Terms of delivery."""

    QUALF: C3 = ""
    LKOND: C3 = ""
    LKTEXT: C70 = ""


class E1EDK18(msgspec.Struct, frozen=True, kw_only=True):
    """Terms of payment."""

    QUALF: C3 = ""
    TAGE: C8 = ""
    PRZNT: C8 = ""
    ZTERM_TXT: C70 = ""


class E1EDKT1(msgspec.Struct, frozen=True, kw_only=True):
    """A text of the header; its lines are below."""

    TDID: C4 = ""
    TSSPRAS: C3 = ""
    TSSPRAS_ISO: C2 = ""


class E1EDKT2(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a text."""

    TDLINE: C70 = ""
    TDFORMAT: C2 = ""


class E1EDP01(msgspec.Struct, frozen=True, kw_only=True):
    """An item: number, quantity with unit, price per so many, value, plant, what it refers to."""

    POSEX: C6 = ""
    ACTION: C3 = ""
    MENGE: C15 = ""
    MENEE: C3 = ""
    PMENE: C3 = ""
    ABFTZ: C6 = ""
    VPREI: C15 = ""
    PEINH: C9 = ""
    NETWR: C18 = ""
    CURCY: C3 = ""
    MATNR: C18 = ""
    WERKS: C4 = ""
    VGBEL: C10 = ""
    VGPOS: C6 = ""
    ABGRU: C2 = ""


class E1EDP02(msgspec.Struct, frozen=True, kw_only=True):
    """A reference of an item, qualified as `E1EDK02`; ZEILE is the item referred to."""

    QUALF: C3 = ""
    BELNR: C35 = ""
    ZEILE: C6 = ""
    DATUM: C8 = ""
    UZEIT: C6 = ""


class E1EDP03(msgspec.Struct, frozen=True, kw_only=True):
    """A date of an item."""

    IDDAT: C3 = ""
    DATUM: C8 = ""
    UZEIT: C6 = ""


class E1EDP05(msgspec.Struct, frozen=True, kw_only=True):
    """A condition of an item: type, amount, rate per so many."""

    ALCKZ: C3 = ""
    KSCHL: C4 = ""
    KOTXT: C70 = ""
    BETRG: C18 = ""
    KPERC: C8 = ""
    KRATE: C15 = ""
    UPRBS: C9 = ""
    MEAUN: C3 = ""
    KOEIN: C3 = ""


class E1EDP20(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule line: wanted, confirmed, when."""

    WMENG: C15 = ""
    AMENG: C15 = ""
    EDATU: C8 = ""
    EZEIT: C6 = ""


class E1EDPA1(msgspec.Struct, frozen=True, kw_only=True):
    """A partner of an item."""

    PARVW: C3 = ""
    PARTN: C17 = ""
    LIFNR: C17 = ""
    NAME1: C35 = ""


class E1EDP19(msgspec.Struct, frozen=True, kw_only=True):
    """What an item is: number by 001 customer, 002 vendor, 003 EAN; short text."""

    QUALF: C3 = ""
    IDTNR: C35 = ""
    KTEXT: C70 = ""


class E1EDS01(msgspec.Struct, frozen=True, kw_only=True):
    """A sum: 002 net of an order; of an invoice 010 net, 011 gross, 005 tax."""

    SUMID: C3 = ""
    SUMME: C18 = ""
    SUNIT: C3 = ""
    WAERQ: C3 = ""
