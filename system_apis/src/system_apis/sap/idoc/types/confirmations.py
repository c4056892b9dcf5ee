"""ALEAUD01: what became of IDocs at their receiver; at most 500 to a document."""

from typing import Final

import msgspec

from system_apis.sap.idoc.document import C1, C2, C3, C6, C8, C10, C16, C20, C30, C50, C70

ALEAUD01: Final = ("E1ADHDR", "E1STATE", "E1PRTOB")
"""Segments in the order of the type, each level by itself."""

MOST_CONFIRMED = 500


class E1ADHDR(msgspec.Struct, frozen=True, kw_only=True):
    """What kind of message is confirmed."""

    MESTYP: C30 = ""
    MESCOD: C3 = ""
    MESFCT: C3 = ""


class E1STATE(msgspec.Struct, frozen=True, kw_only=True):
    """One document, by its sender's number: the status it has there, with the message that explains it."""

    DOCNUM: C16 = ""
    LOGDAT: C8 = ""
    LOGTIM: C6 = ""
    STATUS: C2 = ""
    STAMQU: C3 = ""
    STAMID: C20 = ""
    STAMNO: C3 = ""
    STATYP: C1 = ""
    STAPA1: C50 = ""
    STAPA2: C50 = ""
    STAPA3: C50 = ""
    STAPA4: C50 = ""
    STATXT: C70 = ""


class E1PRTOB(msgspec.Struct, frozen=True, kw_only=True):
    """What was made of it: the receiver's own number, and the application's object (BUS2032 a sales order)."""

    DOCNUM: C16 = ""
    LOGSYS: C10 = ""
    OBJTYPE: C10 = ""
    OBJKEY: C70 = ""
