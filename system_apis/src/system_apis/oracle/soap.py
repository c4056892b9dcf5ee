"""Calls of Oracle's SOAP services: document/literal, SOAP 1.1, ADF's conventions for find and fault."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, Problem, Refused
from shared.resilience.outbound import Backend
from shared.resilience.wire import WireReply
from shared.security.untrusted_xml import NotXml, parse_untrusted
from system_apis.oracle.error_messages import Message
from system_apis.oracle.faults import NAME, plain, problem_of, refused_with

Tree: TypeAlias = Mapping[str, "str | bool | int | Tree | Sequence[Tree] | None"]
"""Elements by name, in their order, of the service's own namespace; None is left out, a list repeats its element."""

ADF: Final = "http://xmlns.oracle.com/adf/svc/types/"
_ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_FAILED = 500


class Service(msgspec.Struct, frozen=True):
    """A SOAP service: where it is, the namespace of its operations and that of the records they take."""

    path: str
    operations: str
    records: str


async def call(
    backend: Backend,
    service: Service,
    name: str,
    arguments: str,
    *,
    refusal: type[Refused] | None = None,
    repeatable: bool = False,
) -> list[Element]:
    """Call an operation; returns the `result` elements of its response, without namespaces.

    Args:
        backend: The pod.
        service: Which service.
        name: The operation.
        arguments: Its elements as markup; `o:` is the operations' namespace, `r:` the records', `adf:` ADF's.
        refusal: What a fault that a rule of the business caused becomes; without one it is a `BackendFault`.
        repeatable: Whether calling it twice does what calling it once does.

    Raises:
        Problem: The call failed.
    """
    operations, records_of = quoteattr(service.operations), quoteattr(service.records)
    envelope = (
        f'<?xml version="1.0" encoding="UTF-8"?><e:Envelope xmlns:e="{_ENVELOPE}" xmlns:o={operations} '
        f'xmlns:r={records_of} xmlns:adf="{ADF}"><e:Body><o:{name}>{arguments}</o:{name}></e:Body></e:Envelope>'
    )
    headers = {
        "content-type": "text/xml; charset=UTF-8",
        "soapaction": f'"{service.operations.removesuffix("types/")}{name}"',
        "accept": "text/xml",
    }
    reply = await backend.send(
        "POST",
        service.path,
        headers=headers,
        body=envelope.encode(),
        repeatable=repeatable,
        operation=name,
        classify=lambda reply: _problem_of(reply, refusal),
    )
    answer = parse(reply.body).find(f"Body/{name}Response")
    if answer is None:
        raise BackendFault(f"Oracle answered {name} with something else.")
    return answer.findall("result")


def records(tree: Tree) -> str:
    """The elements of a tree in the records' namespace; text is escaped."""
    return "".join(_element(name, value) for name, value in tree.items())


def criteria(conditions: Sequence[tuple[str, str, str]], most: int, *, either: bool = False) -> str:
    """The `findCriteria` of a find operation.

    Args:
        conditions: Attribute, operator (`=`, `CONTAINS`, `STARTSWITH`, …) and value of each.
        most: Rows wanted at most; -1 for all.
        either: Whether meeting one condition is enough.
    """
    joint = "Or" if either else "And"
    items = "".join(
        f"<adf:item><adf:conjunction>{joint}</adf:conjunction><adf:upperCaseCompare>false</adf:upperCaseCompare>"
        f"<adf:attribute>{attribute}</adf:attribute><adf:operator>{escape(operator)}</adf:operator>"
        f"<adf:value>{escape(value)}</adf:value></adf:item>"
        for attribute, operator, value in conditions
    )
    return (
        f"<o:findCriteria><adf:fetchStart>0</adf:fetchStart><adf:fetchSize>{most}</adf:fetchSize>"
        f"<adf:filter><adf:group>{items}</adf:group></adf:filter></o:findCriteria>"
        "<o:findControl><adf:retrieveAllTranslations>false</adf:retrieveAllTranslations></o:findControl>"
    )


def parse(document: bytes) -> Element:
    """The root of a document, tags and attributes without namespaces.

    Raises:
        BackendFault: It is not XML, brings a document type, or is nested without measure.
    """
    try:
        return parse_untrusted(document)
    except NotXml as instead:
        raise BackendFault(f"Oracle answered with {instead}.") from None


def text(element: Element | None, name: str) -> str:
    """The text of a child, empty where it is missing or nil."""
    return (element.findtext(name) or "").strip() if element is not None else ""


def _problem_of(reply: WireReply, refusal: type[Refused] | None) -> Problem | None:
    """A fault comes with 500, whatever it says; a rule of the business refused if it is a ServiceErrorMessage."""
    if reply.status != _FAILED or not reply.body.lstrip().startswith(b"<") or b"Fault" not in reply.body:
        return problem_of(reply)
    try:
        fault = parse(reply.body).find("Body/Fault")
    except BackendFault:  # a page that has the word in it
        return problem_of(reply)
    if fault is None:
        return problem_of(reply)
    messages = [
        Message(plain(text(one, "message")), text(one, "code"), _attribute(one))
        for one in fault.iter("ServiceErrorMessage")
        if text(one, "severity") not in ("SEVERITY_WARNING", "SEVERITY_INFO")
    ]
    if not messages:
        return BackendUnavailable(f"{NAME} failed inside a service ({plain(text(fault, 'faultcode')) or 'no code'}).")
    if refusal is None:
        return BackendFault(f"{NAME} refuses a call.", extensions={"code": plain(messages[0].code)})
    return refused_with(refusal, messages)


def _attribute(message: Element) -> str:
    """The attribute that a message is about: `exceptionClassName` says nothing of it, `detail/…/attribute` does."""
    return next((one.text or "" for one in message.iter("attributeName")), "")


def _element(name: str, value: "str | bool | int | Tree | Sequence[Tree] | None") -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return f"<r:{name}>{records(value)}</r:{name}>"
    if isinstance(value, bool):
        return f"<r:{name}>{str(value).lower()}</r:{name}>"
    if isinstance(value, str | int):
        return f"<r:{name}>{escape(str(value))}</r:{name}>"
    return "".join(_element(name, each) for each in value)
