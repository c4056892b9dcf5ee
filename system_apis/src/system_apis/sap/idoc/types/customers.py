"""DEBMAS07: customer master data."""

from typing import Final

import msgspec

from system_apis.sap.idoc.document import C1, C2, C3, C4, C5, C10, C16, C20, C35

DEBMAS07: Final = (
    *("E1KNA1M", "E1KNA1H", "E1KNVVM", "E1KNVPM", "E1KNVIM", "E1KNB1M", "E1KNB5M", "E1KNBKM", "E1KNVKM", "E1KNKAM"),
    "E1KNKKM",
)
"""Segments in the order of the type, each level by itself."""


class E1KNA1M(msgspec.Struct, frozen=True, kw_only=True):
    """A customer. MSGFN: 003 delete, 004 change, 005 replace, 009 original, 018 resend."""

    MSGFN: C3 = ""
    KUNNR: C10 = ""
    AUFSD: C2 = ""
    FAKSD: C2 = ""
    KTOKD: C4 = ""
    LAND1: C3 = ""
    LIFSD: C2 = ""
    LOEVM: C1 = ""
    NAME1: C35 = ""
    NAME2: C35 = ""
    ORT01: C35 = ""
    PSTLZ: C10 = ""
    REGIO: C3 = ""
    STCEG: C20 = ""
    STRAS: C35 = ""
    TELF1: C16 = ""


class E1KNVVM(msgspec.Struct, frozen=True, kw_only=True):
    """A sales area of a customer."""

    MSGFN: C3 = ""
    VKORG: C4 = ""
    VTWEG: C2 = ""
    SPART: C2 = ""
    AUFSD: C2 = ""
    INCO1: C3 = ""
    WAERS: C5 = ""
    ZTERM: C4 = ""


class E1KNVPM(msgspec.Struct, frozen=True, kw_only=True):
    """A partner function in a sales area."""

    MSGFN: C3 = ""
    PARVW: C2 = ""
    KUNN2: C10 = ""
    DEFPA: C1 = ""


class E1KNB1M(msgspec.Struct, frozen=True, kw_only=True):
    """A company code of a customer."""

    MSGFN: C3 = ""
    BUKRS: C4 = ""
    AKONT: C10 = ""
    ZTERM: C4 = ""


class E1KNVKM(msgspec.Struct, frozen=True, kw_only=True):
    """A contact."""

    MSGFN: C3 = ""
    PARNR: C10 = ""
    NAME1: C35 = ""
    NAMEV: C35 = ""


class E1KNKAM(msgspec.Struct, frozen=True, kw_only=True):
    """Credit, over all control areas."""

    MSGFN: C3 = ""
    KLIMG: C16 = ""
    WAERS: C5 = ""


class E1KNKKM(msgspec.Struct, frozen=True, kw_only=True):
    """Credit in a control area: limit, individual limit, risk class."""

    MSGFN: C3 = ""
    KKBER: C4 = ""
    KLIMK: C16 = ""
    KNKLI: C10 = ""
    CTLPC: C3 = ""
