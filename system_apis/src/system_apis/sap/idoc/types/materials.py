"""MATMAS05: material master data."""

from typing import Final

import msgspec

from system_apis.sap.idoc.document import C1, C2, C3, C4, C9, C15, C18, C40

MATMAS05: Final = (
    *("E1MARAM", "E1MARA1", "E1MAKTM", "E1MARCM", "E1MARDM", "E1MARMM", "E1MBEWM", "E1MLGNM", "E1MVKEM", "E1MLANM"),
    *("E1MTXHM", "E1MTXLM"),
)
"""Segments in the order of the type, each level by itself."""


class E1MARAM(msgspec.Struct, frozen=True, kw_only=True):
    """A material. MSGFN as `E1KNA1M`; longer numbers come in MATNR_LONG."""

    MSGFN: C3 = ""
    MATNR: C18 = ""
    LVORM: C1 = ""
    MTART: C4 = ""
    MATKL: C9 = ""
    MEINS: C3 = ""
    BRGEW: C15 = ""
    NTGEW: C15 = ""
    GEWEI: C3 = ""
    SPART: C2 = ""
    EAN11: C18 = ""
    MSTAE: C2 = ""
    MATNR_LONG: C40 = ""


class E1MAKTM(msgspec.Struct, frozen=True, kw_only=True):
    """A description in a language."""

    MSGFN: C3 = ""
    SPRAS: C1 = ""
    MAKTX: C40 = ""
    SPRAS_ISO: C2 = ""


class E1MARCM(msgspec.Struct, frozen=True, kw_only=True):
    """A plant that has it."""

    MSGFN: C3 = ""
    WERKS: C4 = ""
    LVORM: C1 = ""


class E1MARDM(msgspec.Struct, frozen=True, kw_only=True):
    """A storage location."""

    MSGFN: C3 = ""
    LGORT: C4 = ""


class E1MARMM(msgspec.Struct, frozen=True, kw_only=True):
    """A unit: numerator and denominator to the base unit."""

    MSGFN: C3 = ""
    MEINH: C3 = ""
    UMREZ: C9 = ""
    UMREN: C9 = ""


class E1MVKEM(msgspec.Struct, frozen=True, kw_only=True):
    """A sales organisation and channel that sell it."""

    MSGFN: C3 = ""
    VKORG: C4 = ""
    VTWEG: C2 = ""
    LVORM: C1 = ""
