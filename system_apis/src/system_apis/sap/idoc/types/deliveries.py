"""DELVRY07: deliveries announced (DESADV) and confirmed (SHPCON), warehouse orders (WHSORD, SHPORD, WHSCON)."""

from typing import Final

import msgspec

from system_apis.sap.idoc.document import C3, C4, C6, C8, C10, C15, C17, C18, C20, C35, C40

DELVRY07: Final = (
    *("E1EDL20", "E1EDL22", "E1EDL21", "E1EDL18", "E1ADRM1", "E1ADRE1", "E1EDT13", "E1TXTH8", "E1EDL28", "E1EDL24"),
    *("E1EDL25", "E1EDL26", "E1EDL41", "E1EDL43", "E1EDL37", "E1EDL38", "E1EDL39", "E1EDL44"),
)
"""Segments in the order of the type, each level by itself."""


class E1EDL20(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery: number, shipping point, bill of lading, weights."""

    VBELN: C10 = ""
    VSTEL: C4 = ""
    VKORG: C4 = ""
    INCO1: C3 = ""
    BTGEW: C18 = ""
    NTGEW: C18 = ""
    GEWEI: C3 = ""
    ANZPK: C6 = ""
    BOLNR: C35 = ""
    TRAID: C20 = ""
    LIFEX: C35 = ""


class E1ADRM1(msgspec.Struct, frozen=True, kw_only=True):
    """A partner with its address."""

    PARTNER_Q: C3 = ""
    PARTNER_ID: C17 = ""
    LANGUAGE: C3 = ""
    NAME1: C40 = ""
    STREET1: C40 = ""
    POSTL_COD1: C10 = ""
    CITY1: C40 = ""
    COUNTRY1: C3 = ""


class E1EDT13(msgspec.Struct, frozen=True, kw_only=True):
    """A date, from and to, planned (NT…) and actual (IS…): 006 goods issue, 007 delivery."""

    QUALF: C3 = ""
    NTANF: C8 = ""
    NTANZ: C6 = ""
    NTEND: C8 = ""
    NTENZ: C6 = ""
    ISDD: C8 = ""
    ISDZ: C6 = ""
    IEDD: C8 = ""
    IEDZ: C6 = ""


class E1EDL24(msgspec.Struct, frozen=True, kw_only=True):
    """An item: material, quantity with unit, and the order's item (VGBEL, VGPOS)."""

    POSNR: C6 = ""
    MATNR: C18 = ""
    MATWA: C18 = ""
    ARKTX: C40 = ""
    WERKS: C4 = ""
    LGORT: C4 = ""
    CHARG: C10 = ""
    LFIMG: C15 = ""
    VRKME: C3 = ""
    VGBEL: C10 = ""
    VGPOS: C6 = ""
    MATNR_LONG: C40 = ""


class E1EDL37(msgspec.Struct, frozen=True, kw_only=True):
    """A handling unit: its number, and the vehicle or tracking number."""

    EXIDV: C20 = ""
    TARAG: C17 = ""
    TRAID: C20 = ""


class E1EDL44(msgspec.Struct, frozen=True, kw_only=True):
    """What is packed in a handling unit."""

    VBELN: C10 = ""
    POSNR: C6 = ""
    EXIDV: C20 = ""
    VEMNG: C15 = ""
    VEMEH: C3 = ""
