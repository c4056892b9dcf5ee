"""SuiteTalk SOAP, for what REST does not offer: which records were deleted. It is removed in release 2028.2.

Faults come with HTTP 500, refusals of single records with 200 and `isSuccess="false"`; both carry a code, which means
what it means over REST.
"""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from xml.etree.ElementTree import Element

import msgspec

from shared.binding.problems import BackendFault, Problem
from shared.resilience.outbound_faults import problem_of_status
from shared.resilience.wire import WireReply
from system_apis.netsuite.connector import NetSuiteConnector
from system_apis.netsuite.faults import NAME, Detail, problem_of_details
from system_apis.netsuite.soap_xml import envelope, parsed, text_of


class Deleted(msgspec.Struct, frozen=True):
    """A record that is gone: its type as SOAP spells it, its internal id, its external id if it had one, and when."""

    record_type: str
    key: str
    external_id: str
    at: datetime


class SoapClient:
    """SOAP requests of one account, within the slots that REST and RESTlets share.

    Args:
        netsuite: The account.

    Raises:
        BackendFault: Only a certificate is configured, with which SOAP cannot be signed in to.
    """

    def __init__(self, netsuite: NetSuiteConnector) -> None:
        if netsuite.tokens is None:
            raise BackendFault(
                "SOAP takes tokens only; add consumer_key, consumer_secret, token_id and token_secret to "
                "[backends.netsuite]."
            )
        self._netsuite = netsuite
        self._version = netsuite.settings.soap_version
        self._backend = netsuite.channel(
            f"{NAME} SOAP", netsuite.settings.rest, classify=problem_of_soap, sign=netsuite.tokens.sign_envelope
        )

    async def deleted(self, since: datetime, record_types: Sequence[str]) -> AsyncGenerator[Deleted]:
        """What was deleted at or after a time, page by page.

        Args:
            since: With its time zone.
            record_types: As SOAP spells them, e.g. `customer`, `salesOrder`.

        Raises:
            Problem: As `faults.problem_of_details`.
        """
        wanted = "".join(f"<core:searchValue>{text_of(each)}</core:searchValue>" for each in record_types)
        index, pages = 1, 1
        while index <= pages:
            content = (
                '<getDeletedFilter><core:deletedDate operator="onOrAfter">'
                f"<core:searchValue>{since.isoformat(timespec='milliseconds')}</core:searchValue></core:deletedDate>"
                f'<core:type operator="anyOf">{wanted}</core:type></getDeletedFilter><pageIndex>{index}</pageIndex>'
            )
            result = await self.call("getDeleted", content)
            for each in result.iterfind("deletedRecordList/deletedRecord"):
                yield _deleted(each)
            pages, index = int(result.findtext("totalPages") or 0), index + 1

    async def call(self, operation: str, content: str, *, repeatable: bool = True) -> Element:
        """Any operation; returns its result, without namespaces.

        Args:
            operation: E.g. `getDeleted`.
            content: Markup, see `soap_xml.envelope`; escape what comes from callers with `text_of`.
            repeatable: Whether sending it twice is harmless.

        Raises:
            Problem: What a fault or an unsuccessful status says.
        """
        await self._netsuite.sized()
        reply = await self._backend.send(
            "POST",
            f"/services/NetSuitePort_{self._version}",
            headers={"content-type": "text/xml; charset=utf-8", "soapaction": f'"{operation}"', "accept": "text/xml"},
            body=envelope(operation, content, self._version),
            repeatable=repeatable,
            operation=operation,
        )
        answer = parsed(reply.body).find(f"Body/{operation}Response")
        if answer is None or len(answer) == 0:
            raise BackendFault(f"NetSuite answered {operation} with something else.")
        return answer[0]


def problem_of_soap(reply: WireReply) -> Problem | None:
    """What a reply of SOAP means to the caller, or None if it is an answer."""
    is_xml = reply.body.lstrip().startswith(b"<") and b"Envelope" in reply.body[:1000]
    if not is_xml:
        return problem_of_status(reply, NAME)
    root = parsed(reply.body)
    details = _fault(root) or _refusals(root)
    if reply.status < 300 and not details:  # noqa: PLR2004 - success (RFC 9110 §15.3)
        return None
    # faults come with 500 whatever they say, so the code decides and not the status
    judged = WireReply(400, reply.headers, b"") if details else reply
    return problem_of_details(details, judged) or problem_of_status(reply, NAME)


def _fault(root: Element) -> list[Detail]:
    found = root.find("Body/Fault")
    if found is None:
        return []
    inner = next(iter(found.find("detail") or ()), None)
    code = inner.findtext("code") if inner is not None else None
    return [Detail(code or "UNEXPECTED_ERROR", found.findtext("faultstring") or "")]


def _refusals(root: Element) -> list[Detail]:
    """Errors of every status that is no success; warnings are none."""
    return [
        Detail(one.findtext("code") or "", one.findtext("message") or "")
        for status in root.iter("status")
        if status.get("isSuccess") == "false"
        for one in status.iterfind("statusDetail")
        if one.get("type") in (None, "ERROR")
    ]


def _deleted(element: Element) -> Deleted:
    record = element.find("record")
    try:
        at = datetime.fromisoformat(element.findtext("deletedDate") or "")
    except ValueError:
        at = None
    if record is None or at is None:
        raise BackendFault("NetSuite answered getDeleted with a record that it does not name.")
    return Deleted(record.get("type", ""), record.get("internalId", ""), record.get("externalId", ""), at)
