"""What SAP's refusals mean: every reply that is no answer becomes one problem, here and nowhere else.

Errors come as JSON (the message an object by OData V2, a text by V4), as XML or as a page of the web server in front
(logon, short dump). SAP's own words are shown only for business messages, as `remark`; act on the problem, not on them.
"""

import msgspec

from shared.binding.problems import (
    BackendFault,
    BackendUnavailable,
    FieldError,
    NotFound,
    PreconditionFailed,
    Problem,
)
from shared.contracts.system.erp import OrderRejected
from shared.resilience.outbound_faults import problem_of_status
from shared.resilience.wire import WireReply
from shared.security.untrusted_xml import NotXml, parse_untrusted
from system_apis.sap.batch import answers, is_batch
from system_apis.sap.credentials import token_refused

NAME = "SAP"

LOCKS = frozenset({"V1/042", "MC/601"})
"""Somebody has the document open (message classes V1: sales, MC: lock objects)."""

_MISSING = frozenset({"/IWBEP/CM_MGW_RT/020", "SLS_LO/501"})
_GATEWAY = ("/IWBEP/", "/IWFND/")
_BUSINESS = "/IWBEP/CX_MGW_BUSI_EXCEPTION"
_LONGEST_REMARK = 220
_ERROR = 4  # of the numeric severities of V4: 1 success, 2 information, 3 warning
_WRONG = {
    "SoldToParty": "the customer cannot be sold to in this sales area",
    "Customer": "a partner of the order is not known to it",
    "Material": "a product does not exist or may not be sold here",
    "RequestedQuantity": "a quantity is not one it accepts",
    "RequestedQuantityUnit": "a unit is not one the product is sold in",
    "TransactionCurrency": "the currency is not known to it",
    "ProductionPlant": "a product is not kept in the plant",
    "ConditionType": "a price may not be set by hand this way",
    "SalesOrderType": "the order type is not defined",
    "to_Item": "it has no lines",
}

_POINTERS = {
    "SoldToParty": "/erpNumber",
    "Customer": "/shipToErpNumber",
    "TransactionCurrency": "/currency",
    "Material": "/lines",
    "RequestedQuantity": "/lines",
    "RequestedQuantityUnit": "/lines",
    "BusinessPartnerIDByExtSystem": "/reference",
    "OrganizationBPName1": "/name",
    "Country": "/address/country",
    "Region": "/address/region",
    "CityName": "/address/city",
    "PostalCode": "/address/postalCode",
    "StreetName": "/address/street",
    "EmailAddress": "/email",
    "PhoneNumber": "/phone",
    "BPTaxType": "/taxNumber",
    "BPTaxNumber": "/taxNumber",
    "Currency": "/currency",
    "CompanyCode": "/companyCode",
    "PaymentTerms": "/paymentTerms",
    "CustomerPaymentTerms": "/paymentTerms",
    "SalesOrganization": "/salesAreas",
    "BPCustomerNumber": "/parentErpNumber",
}
"""Where in our order or customer the property is that a message is about."""


class Message(msgspec.Struct, frozen=True):
    """One message of an error; `target` names the property it is about."""

    code: str = ""
    text: str = ""
    target: str = ""


def problem_of(reply: WireReply) -> Problem | None:
    """What a reply means to the caller, or None if it is an answer."""
    if reply.status < 300:  # noqa: PLR2004 - success (RFC 9110 §15.3)
        return _problem_in_batch(reply) if is_batch(reply) else None
    return _by_status(reply, _messages(reply))


def _by_status(reply: WireReply, messages: list[Message]) -> Problem | None:
    status, codes = reply.status, {message.code for message in messages}
    if codes & LOCKS or status in (409, 423):
        return locked()
    if status == 401:  # noqa: PLR2004 - here and below: the statuses SAP gives these meanings
        return BackendFault("SAP refuses our credentials; check username and password of [backends.sap].")
    if status == 403:  # noqa: PLR2004
        return _forbidden(reply)
    if status == 412:  # noqa: PLR2004
        return PreconditionFailed("The record was changed in SAP in the meantime.")
    if status == 404 or codes & _MISSING:  # noqa: PLR2004
        return _missing(messages)
    if status >= 500:  # noqa: PLR2004
        return BackendUnavailable(f"SAP answered {status}.", extensions=_of(messages, shown=False))
    if status < 400 or status in (408, 425, 429):  # noqa: PLR2004
        return problem_of_status(reply, NAME)
    if not messages:
        return BackendFault(f"SAP answered {status} without an error of its own.")
    return _refused(status, messages)


def _forbidden(reply: WireReply) -> Problem:
    if token_refused(reply):
        return BackendUnavailable("SAP does not accept the CSRF token it has just handed out; try again.")
    return BackendFault("SAP forbids our user this service; check its authorisations and that the service is active.")


def _missing(messages: list[Message]) -> Problem:
    if messages and not all(message.code.startswith("/IWFND/") for message in messages):
        return NotFound("SAP has no such record.")
    return BackendFault("SAP has no service at this address; check the paths of [backends.sap].")


def _refused(status: int, messages: list[Message]) -> Problem:
    business = [message for message in messages if _is_business(message.code)]
    if not business and messages[0].code != _BUSINESS:
        return BackendFault(f"SAP could not read our request ({status}).", extensions=_of(messages, shown=False))
    return business_refusal(business[0] if business else messages[0], messages, business)


def locked() -> Problem:
    """Somebody else has the record open."""
    return BackendUnavailable("The record is being worked on by another user in SAP; try again shortly.")


def business_refusal(said: Message, messages: list[Message], business: list[Message]) -> OrderRejected:
    """What SAP refuses by a rule of its own.

    Args:
        said: The message that leads.
        messages: All of them; the first with a target says what is wrong.
        business: Those to be shown.
    """
    target = next((message.target for message in messages if message.target), "").rpartition("/")[2]
    what = _WRONG.get(target, "it breaks one of SAP's rules, given as `remark`")
    errors = [FieldError(detail=plain(one.text), pointer=_pointer(one.target)) for one in business if one.text]
    return OrderRejected(
        f"SAP refused the order: {what}.", errors=_distinct(errors), extensions=_of([said], shown=True)
    )


def _pointer(target: str) -> str | None:
    return _POINTERS.get(target.rpartition("/")[2])


def _distinct(errors: list[FieldError]) -> list[FieldError]:
    """Each message once; the leading one is among the others again, which say what it is about."""
    said = {one.detail: one for one in errors}
    return list(said.values())


def _is_business(code: str) -> bool:
    """Message class and number, as `V1/320`; Gateway's own codes and its GUIDs are about the protocol."""
    return not code.startswith(_GATEWAY) and "/" in code and code.rpartition("/")[2].isdigit()


def _problem_in_batch(reply: WireReply) -> Problem | None:
    return next((problem for answer in answers(reply) if (problem := problem_of(answer)) is not None), None)


def _of(messages: list[Message], *, shown: bool) -> dict[str, str]:
    if not messages:
        return {}
    said = messages[0]
    return {"code": said.code} | ({"remark": plain(said.text)} if shown and said.text else {})


def plain(text: str) -> str:
    """SAP's words as one line of bounded length."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:_LONGEST_REMARK]


def _messages(reply: WireReply) -> list[Message]:
    """Every error message of the body, the leading one first; none where the body is no OData error."""
    body = reply.body.lstrip()
    if body.startswith(b"{"):
        return _json_messages(body)
    return _xml_messages(body) if body.startswith(b"<") else []


def _json_messages(body: bytes) -> list[Message]:
    try:
        error = _decoder.decode(body).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    details = _details(error.innererror) or error.details
    return [_message(error), *(_message(one) for one in details if _is_error(one))]


def _is_error(line: "_Line") -> bool:
    """V2 names a severity, V4 numbers it; without either it is an error."""
    if line.numeric_severity is not None:
        return line.numeric_severity == _ERROR
    return line.severity in (None, "", "error")


def _details(innererror: msgspec.Raw) -> list["_Line"]:
    try:
        return _inner_decoder.decode(innererror).errordetails
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []


def _message(line: "_Line") -> Message:
    text = line.message.value if isinstance(line.message, _Worded) else line.message
    return Message(line.code or "", text or "", line.target or line.propertyref or "")


def _xml_messages(body: bytes) -> list[Message]:
    try:
        root = parse_untrusted(body)
    except NotXml:  # such as a web page
        return []
    if root.tag != "error":
        return []
    lines = [root, *root.iter("errordetail")]
    return [
        Message(one.findtext("code", ""), one.findtext("message", ""), one.findtext("target", ""))
        for one in lines
        if one.findtext("severity", "") in ("", "error")
    ]


class _Worded(msgspec.Struct, frozen=True):
    value: str | None = ""


class _Line(msgspec.Struct, frozen=True):
    code: str | None = ""
    message: str | _Worded | None = ""
    severity: str | None = ""
    target: str | None = ""
    propertyref: str | None = ""
    numeric_severity: int | None = msgspec.field(default=None, name="@Common.numericSeverity")


class _Inner(msgspec.Struct, frozen=True):
    errordetails: list[_Line] = []


class _Error(_Line, frozen=True):
    innererror: msgspec.Raw = msgspec.Raw(b"{}")
    details: list[_Line] = []


class _Body(msgspec.Struct, frozen=True):
    error: _Error


_decoder = msgspec.json.Decoder(_Body)
_inner_decoder = msgspec.json.Decoder(_Inner)
