"""Handing an IDoc to SAP, by SOAP or as plain XML, and understanding what SAP says to that.

Taken is not posted: SAP keeps the document and works on it later. By SOAP a repeat with the same ARCKEY is the same
document; plain XML makes another of it.
"""

import re
from collections.abc import Callable
from typing import Final

from shared.binding.problems import BackendFault, BackendUnavailable, Problem
from shared.resilience.outbound_faults import OutcomeUnknown, problem_of_status
from shared.resilience.wire import WireReply
from system_apis.sap.faults import NAME, plain
from system_apis.sap.idoc.document import Idoc, arranged
from system_apis.sap.idoc.settings import IdocSettings
from system_apis.sap.idoc.structures import STRUCTURES
from system_apis.sap.idoc.xml_format import write_xml

MESSAGE_ID: Final = "urn:sap.com:msgid="
"""What an ARCKEY begins with by which SAP tells repeats."""

EXACTLY_ONCE: Final = "urn:sap-com:document:sap:idoc:soap:messages"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_REASONS = ("MULTIPLE_IDOCS_NOT_ALLOWED", "SOAP_MSGID_INITIAL", "SOAP_MSGID_PREFIX_INVALID")
_LOCKED = "MSGID_LOCKED"
_NUMBER = re.compile(rb"<(?:\w+:)?DbId>\s*(\d{1,16})\s*<")
_SAID = re.compile(rb"<(?:\w+:)?faultstring[^>]*>([^<]{0,300})")
_TAKEN = b"idoc-xml-inbound ok"
_FAULT = re.compile(rb"<(?:[\w\-]+:)?Fault[\s>]")


def soap_body(idoc: Idoc) -> bytes:
    """The SOAP message with one IDoc, exactly once."""
    message = _document(idoc, EXACTLY_ONCE).partition(b"?>")[2].strip()
    return (
        f'<soapenv:Envelope xmlns:soapenv="{_ENVELOPE}"><soapenv:Body>'.encode()
        + message
        + b"</soapenv:Body></soapenv:Envelope>"
    )


def xml_body(idoc: Idoc) -> bytes:
    """The IDoc by itself."""
    return _document(idoc, "")


def classify_soap(reply: WireReply) -> Problem | None:
    """None for a document that was taken; faults come with any status.

    A page instead of a SOAP message is somebody's between SAP and us: SAP may have the document or not, and tells by
    its ARCKEY when it comes again.
    """
    if _FAULT.search(reply.body):
        if _LOCKED.encode() in reply.body:
            return BackendUnavailable("SAP is still taking in this very message; look again shortly.")
        reason = next((one for one in _REASONS if one.encode() in reply.body), "")
        said = _SAID.search(reply.body)
        shown = {"reason": reason} if reason else {}
        remark = {"remark": plain(said[1].decode("utf-8", "replace"))} if said else {}
        return BackendFault("SAP does not take this IDoc in; see `remark`.", extensions=shown | remark)
    problem = _problem_of(reply)
    if problem is None and _ENVELOPE.encode() not in reply.body:
        return OutcomeUnknown(
            "SAP answered an IDoc with something that is no SOAP message; sending it again is safe. If that lasts, "
            "check soap_path of [backends.sap.idoc] and what stands between SAP and us.",
            extensions={"outcome": "unknown"},
        )
    return problem


def classify_xml(reply: WireReply) -> Problem | None:
    """None for the page that says so."""
    problem = _problem_of(reply)
    if problem is None and _TAKEN not in reply.body.lower():
        return BackendFault(
            "SAP answered an IDoc with a page that does not say whether it was taken.",
            extensions={"outcome": "unknown"},
        )
    return problem


def number_given(reply: WireReply) -> str:
    """SAP's own number of a document sent by SOAP; empty if it told none."""
    found = _NUMBER.search(reply.body)
    return found[1].decode() if found else ""


def path_of(settings: IdocSettings, client: str) -> str:
    """Where documents go, with the client."""
    path = settings.soap_path if settings.door == "soap" else settings.xml_path
    return f"{path}?sap-client={client}"


def written_by(settings: IdocSettings) -> tuple[Callable[[Idoc], bytes], Callable[[WireReply], Problem | None]]:
    """How a document is written for the door that was chosen, and how its answer is judged."""
    return (soap_body, classify_soap) if settings.door == "soap" else (xml_body, classify_xml)


def _document(idoc: Idoc, namespace: str) -> bytes:
    return write_xml([arranged(idoc, STRUCTURES.get(idoc.control.IDOCTYP, ()))], namespace)


def _problem_of(reply: WireReply) -> Problem | None:
    if reply.status == 401:  # noqa: PLR2004 - RFC 9110 §15.5.2
        return BackendFault("SAP refuses our credentials; check username and password of [backends.sap].")
    if reply.status == 403:  # noqa: PLR2004 - RFC 9110 §15.5.4
        return BackendFault("SAP does not let us send IDocs; activate the service (SICF) and authorise the user.")
    if reply.status >= 500:  # noqa: PLR2004 - RFC 9110 §15.6
        return BackendUnavailable(f"SAP answered {reply.status} to an IDoc.", extensions={"outcome": "unknown"})
    return problem_of_status(reply, NAME)
