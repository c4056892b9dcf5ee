"""The basic types this system knows: which segment stands where, and which fields it has.

One line a segment: indentation nests it, `!` makes it mandatory. Source: the published segment documentation, the
fields that matter here; others are accepted, as by a system with a later release of a segment.
"""

from dataclasses import dataclass, field
from functools import cache

from sandboxes.sap.idoc.document import CONTROL, Segment

_ITEM_REFERENCES = "E1EDP02 QUALF BELNR ZEILE DATUM UZEIT"
_TYPES = {
    "ORDERS05": f"""
E1EDK01! ACTION KZABS CURCY HWAER WKURS ZTERM BSART BELNR AUTLF AUGRU LIFSK
E1EDK14 QUALF ORGID
E1EDK03 IDDAT DATUM UZEIT
E1EDK04 MWSKZ MSATZ MWSBT
E1EDK05 ALCKZ KSCHL KOTXT BETRG
E1EDKA1 PARVW PARTN LIFNR NAME1 STRAS ORT01 PSTLZ LAND1
E1EDK02 QUALF BELNR POSNR DATUM UZEIT
E1EDK17 QUALF LKOND LKTEXT
E1EDK18 QUALF TAGE PRZNT ZTERM_TXT
E1EDKT1 TDID TSSPRAS TSSPRAS_ISO
 E1EDKT2 TDLINE TDFORMAT
E1EDP01 POSEX ACTION MENGE MENEE PMENE ABFTZ VPREI PEINH NETWR CURCY MATNR WERKS VGBEL VGPOS ABGRU
 {_ITEM_REFERENCES}
 E1EDP03 IDDAT DATUM UZEIT
 E1EDP04 MWSKZ MSATZ MWSBT
 E1EDP05 ALCKZ KSCHL KOTXT BETRG KPERC KRATE UPRBS MEAUN KOEIN
 E1EDP20 WMENG AMENG EDATU EZEIT
 E1EDPA1 PARVW PARTN LIFNR NAME1
 E1EDP19 QUALF IDTNR KTEXT
E1EDS01 SUMID SUMME SUNIT WAERQ
""",
    "INVOIC02": f"""
E1EDK01! CURCY HWAER WKURS ZTERM BSART BELNR
E1EDKA1 PARVW PARTN LIFNR NAME1
E1EDK02 QUALF BELNR POSNR DATUM UZEIT
E1EDK03 IDDAT DATUM UZEIT
E1EDK04 MWSKZ MSATZ MWSBT
E1EDK14 QUALF ORGID
E1EDK18 QUALF TAGE PRZNT ZTERM_TXT
E1EDP01 POSEX MENGE MENEE NETWR MATNR WERKS
 {_ITEM_REFERENCES}
 E1EDP19 QUALF IDTNR KTEXT
 E1EDP26 QUALF BETRG
 E1EDP04 MWSKZ MSATZ MWSBT
E1EDS01 SUMID SUMME SUNIT WAERQ
""",
    "DEBMAS07": """
E1KNA1M! MSGFN KUNNR AUFSD FAKSD KTOKD LAND1 LIFSD LOEVM NAME1 NAME2 ORT01 PSTLZ REGIO STCEG STRAS TELF1
 E1KNVVM MSGFN VKORG VTWEG SPART AUFSD INCO1 WAERS ZTERM
  E1KNVPM MSGFN PARVW KUNN2 DEFPA
  E1KNVIM MSGFN ALAND TATYP TAXKD
 E1KNB1M MSGFN BUKRS AKONT ZTERM
  E1KNB5M MSGFN MAHNA
 E1KNBKM MSGFN BANKS BANKL BANKN
 E1KNVKM MSGFN PARNR NAME1 NAMEV
 E1KNKAM MSGFN KLIMG WAERS
  E1KNKKM MSGFN KKBER KLIMK KNKLI CTLPC
""",
    "MATMAS05": """
E1MARAM! MSGFN MATNR LVORM MTART MATKL MEINS BRGEW NTGEW GEWEI SPART EAN11 MSTAE MATNR_LONG
 E1MAKTM MSGFN SPRAS MAKTX SPRAS_ISO
 E1MARCM MSGFN WERKS LVORM
  E1MARDM MSGFN LGORT
 E1MARMM MSGFN MEINH UMREZ UMREN EAN11
 E1MBEWM MSGFN BWKEY BKLAS VPRSV STPRS PEINH
 E1MVKEM MSGFN VKORG VTWEG LVORM
 E1MLANM MSGFN ALAND TATY1 TAXM1
 E1MTXHM MSGFN TDOBJECT TDNAME TDID TDSPRAS
""",
    "DELVRY07": """
E1EDL20! VBELN VSTEL VKORG INCO1 BTGEW NTGEW GEWEI ANZPK BOLNR TRAID LIFEX
 E1ADRM1 PARTNER_Q PARTNER_ID LANGUAGE NAME1 STREET1 POSTL_COD1 CITY1 COUNTRY1
 E1EDT13 QUALF NTANF NTANZ NTEND NTENZ ISDD ISDZ IEDD IEDZ
 E1EDL24 POSNR MATNR MATWA ARKTX WERKS LGORT CHARG LFIMG VRKME VGBEL VGPOS MATNR_LONG
 E1EDL37 EXIDV TRAID
  E1EDL44 VBELN POSNR VEMNG
""",
    "ALEAUD01": """
E1ADHDR! MESTYP MESCOD MESFCT
 E1STATE DOCNUM LOGDAT LOGTIM STATUS STAMQU STAMID STAMNO STATYP STAPA1 STAPA2 STAPA3 STAPA4 STATXT
  E1PRTOB DOCNUM LOGSYS OBJTYPE OBJKEY
""",
}
_CONTROL = """
TABNAM MANDT DOCNUM DOCREL STATUS DIRECT OUTMOD EXPRSS TEST IDOCTYP CIMTYP MESTYP MESCOD MESFCT STD STDVRS STDMES
SNDPOR SNDPRT SNDPFC SNDPRN SNDSAD SNDLAD RCVPOR RCVPRT RCVPFC RCVPRN RCVSAD RCVLAD CREDAT CRETIM REFINT REFGRP REFMES
ARCKEY SERIAL
"""
CONTROL_FIELDS = tuple(_CONTROL.split())
"""Of EDI_DC40, in order."""


@dataclass(slots=True)
class Place:
    """Where a segment stands in a type."""

    name: str
    fields: tuple[str, ...] = ()
    mandatory: bool = False
    below: "list[Place]" = field(default_factory=list["Place"])


@cache
def structure(kind: str) -> Place | None:
    """The places of a basic type below its root; None for a type this system does not have."""
    if kind not in _TYPES:
        return None
    root = Place(kind)
    path = [root]
    for line in _TYPES[kind].strip("\n").split("\n"):
        level = len(line) - len(line.lstrip(" ")) + 1
        name, *fields = line.split()
        place = Place(name.rstrip("!"), tuple(fields), name.endswith("!"))
        del path[level:]
        path[-1].below.append(place)
        path.append(place)
    return root


def syntax_fault(idoc: Segment) -> str | None:
    """What breaks the syntax of its type, or None; segments of an extension (CIMTYP) are accepted anywhere."""
    control = idoc.below[0]
    kind = structure(control.get("IDOCTYP"))
    if kind is None:
        return f"Basic type '{control.get('IDOCTYP')}' is unknown"
    strangers = bool(control.get("CIMTYP"))
    return _fault(kind, [one for one in idoc.below if one.name != CONTROL], strangers=strangers)


def _fault(place: Place, found: list[Segment], *, strangers: bool) -> str | None:
    known = {one.name: one for one in place.below}
    for one in found:
        if one.name not in known:
            if not strangers:
                return f"Segment '{one.name}' is unknown or stands in the wrong place"
        elif fault := _fault(known[one.name], one.below, strangers=strangers):
            return fault
    names = [one.name for one in found if one.name in known]
    ordered = [one.name for one in place.below]
    if names != sorted(names, key=ordered.index):
        return "Sequence error: a segment stands after one that follows it"
    missing = next((one.name for one in place.below if one.mandatory and one.name not in names), None)
    return f"Mandatory segment '{missing}' is missing" if missing else None
