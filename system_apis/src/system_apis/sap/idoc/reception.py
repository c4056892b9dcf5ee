"""What is kept of an IDoc that came, and what an ALEAUD among them says of ours; pure functions."""

from system_apis.sap.idoc.document import Idoc, Segment, walk
from system_apis.sap.idoc.door import MESSAGE_ID
from system_apis.sap.idoc.kept import IN_TARGET, MADE, NOT_MADE, POSTED, KeptIdoc, Verdict
from system_apis.sap.idoc.refusals import IdocRefused
from system_apis.sap.idoc.types.confirmations import E1ADHDR, E1PRTOB, E1STATE
from system_apis.sap.idoc.xml_format import write_xml
from system_apis.sap.odata import document_number

ALEAUD = "ALEAUD"
_MASTER_RECORDS = frozenset({"DEBMAS", "MATMAS"})
_KEYS = {"E1KNA1M": ("KUNNR",), "E1MARAM": ("MATNR_LONG", "MATNR"), "E1EDL20": ("VBELN",), "E1EDK01": ("BELNR",)}
"""By segment, the fields of which the first that is filled identifies the object."""

_VERDICTS = {"53": MADE, "41": MADE, "51": NOT_MADE, "40": NOT_MADE, "56": NOT_MADE, "60": NOT_MADE, "68": NOT_MADE}


def to_keep(idoc: Idoc, *, confirm: bool) -> KeptIdoc:
    """A document as it is kept; `confirm` if its sender is to be told.

    Raises:
        IdocRefused: It has no number, so that a repeat could not be told from a new one.
    """
    control = idoc.control
    if not control.DOCNUM:
        raise IdocRefused("EDI_DC40 has no DOCNUM; a document without a number cannot be told from a repeat.")
    return KeptIdoc(
        direction="received",
        identity=f"{control.SNDPRN}/{control.SNDPOR}/{control.DOCNUM}/{control.CREDAT}/{control.CRETIM}",
        message_id=control.ARCKEY if control.ARCKEY.startswith(MESSAGE_ID) else "",
        docnum=control.DOCNUM,
        partner=control.SNDPRN,
        basic_type=control.IDOCTYP,
        message_type=control.MESTYP,
        status=POSTED,
        about=_about(idoc),
        serial=control.SERIAL if control.MESTYP in _MASTER_RECORDS else "",
        document=write_xml([idoc]).decode(),
        confirmed=not confirm or control.MESTYP == ALEAUD,
    )


def verdicts(idoc: Idoc) -> list[Verdict]:
    """What a confirmation says of documents of ours; nothing for other messages."""
    if idoc.control.MESTYP != ALEAUD:
        return []
    return [_verdict(state, tree) for _, header in idoc.every(E1ADHDR) for state, tree in header.every(E1STATE)]


def _verdict(state: E1STATE, tree: Segment) -> Verdict:
    made = next((one for one, _ in tree.every(E1PRTOB) if one.OBJKEY), E1PRTOB())
    said = " ".join(part for part in (state.STATXT, _code(state)) if part)
    return Verdict(state.DOCNUM, _VERDICTS.get(state.STATUS, IN_TARGET), said, document_number(made.OBJKEY))


def _code(state: E1STATE) -> str:
    return f"({state.STAMID}/{state.STAMNO})" if state.STAMID and state.STAMNO else ""


def _about(idoc: Idoc) -> str:
    """What identifies the object that the document is about, without leading zeros; empty if there is no telling."""
    for _, one in walk(idoc.segments):
        for name in _KEYS.get(one.name, ()):
            if value := one.fields.get(name):
                return document_number(value)
    return ""
