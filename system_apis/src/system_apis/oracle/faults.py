"""What Oracle's refusals mean: every reply that is no answer becomes one problem, here and nowhere else.

The REST framework writes errors in two ways: as plain text (up to version 3), or as JSON whose `o:errorDetails`
name code and place. In front of it stand servers that answer pages. Oracle's words are shown only where a rule of
the business refused something; act on the problem, not on them.

Source: REST API for Oracle Fusion Cloud, "Status codes" and "Exception details".
"""

import re
from collections.abc import Callable

from shared.binding.problems import (
    BackendFault,
    BackendUnavailable,
    FieldError,
    NotFound,
    PreconditionFailed,
    Problem,
    Refused,
)
from shared.resilience.outbound_faults import problem_of_status, retry_after_of
from shared.resilience.wire import WireReply
from system_apis.oracle.error_messages import Message, read_messages

NAME = "Oracle"

_LONGEST_REMARK = 220
_MOST_DETAILS = 20
_LINE = re.compile(r"/lines/(\d+)(?:/|$)")
_POINTERS = {
    "BuyingPartyName": "/erpNumber",
    "BuyingPartyId": "/erpNumber",
    "AccountNumber": "/erpNumber",
    "TransactionalCurrencyCode": "/currency",
    "RequestedShipDate": "/requestedDate",
    "CustomerPONumber": "/purchaseOrder",
    "OrganizationName": "/name",
    "PartySiteName": "/name",
    "Address1": "/address/street",
    "HouseNumber": "/address/houseNumber",
    "City": "/address/city",
    "State": "/address/region",
    "PostalCode": "/address/postalCode",
    "Country": "/address/country",
    "JgzzFiscalCode": "/taxNumber",
    "TaxpayerIdentificationNumber": "/taxNumber",
    "EmailAddress": "/email",
    "RawPhoneNumber": "/phone",
    "CreditCurrencyCode": "/currency",
    "PaymentTerms": "/paymentTerms",
    "OrigSystemReference": "/reference",
    "SourceSystemReferenceValue": "/reference",
}
"""Where in our order or customer the attribute is that a message is about."""

_LINE_POINTERS = {"ProductNumber": "/sku", "OrderedQuantity": "/quantity", "UnitPrice": "/unitPrice"}


Place = Callable[[Message], str | None]
"""Where in what the caller sent the attribute is that a message is about."""


def erp_place(message: Message) -> str | None:
    """Where it is in an order or customer of the `Erp` contract."""
    return _pointer(message.path)


def classifier(refusal: type[Refused] | None, place: Place = erp_place) -> Callable[[WireReply], Problem | None]:
    """What a reply means where a rule of the business may refuse with `refusal`; None where none may."""
    return lambda reply: problem_of(reply, refusal, place)


def problem_of(reply: WireReply, refusal: type[Refused] | None = None, place: Place = erp_place) -> Problem | None:
    """What a reply means to the caller, or None if it is an answer."""
    status = reply.status
    if status < 300:  # noqa: PLR2004 - success (RFC 9110 §15.3)
        return None
    if status == 401:  # noqa: PLR2004 - here and below: the statuses Oracle gives these meanings
        return BackendFault("Oracle refuses our credentials; check those of [backends.oracle].")
    if status == 403:  # noqa: PLR2004
        return BackendFault("Oracle forbids our user this service; check the privileges of its roles.")
    if status == 412:  # noqa: PLR2004
        return PreconditionFailed("The record was changed in Oracle in the meantime.")
    if status == 429 or status >= 500:  # noqa: PLR2004
        return _passing(reply)
    if status in (400, 404, 422):
        return _refused(reply, refusal, place)
    if status in (405, 406, 415):
        return BackendFault(f"Oracle answered {status}; the service at this path is not the one we know.")
    return problem_of_status(reply, NAME)


def plain(text: str) -> str:
    """Oracle's words as one line of bounded length."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:_LONGEST_REMARK]


def refused_with(refusal: type[Refused], messages: list[Message], place: Place = erp_place) -> Refused:
    """A refusal by Oracle's rules, with its own words."""
    said = [one for one in messages if one.text]
    errors = [FieldError(detail=plain(one.text), pointer=place(one)) for one in said]
    extensions = {"remark": plain(said[0].text)} if said else {}
    if code := next((one.code for one in messages if one.code), ""):
        extensions["code"] = plain(code)
    what = "Oracle refused it; see `errors`." if said else "Oracle refused it, not saying why."
    return refusal(what, errors=errors, extensions=extensions)


def _passing(reply: WireReply) -> Problem:
    if reply.status == 429:  # noqa: PLR2004 - Too Many Requests (RFC 6585 §4)
        return problem_of_status(reply, NAME) or BackendUnavailable("Oracle asks for fewer requests.")
    codes = [one.code for one in read_messages(reply.body) if one.code]
    return BackendUnavailable(
        f"Oracle answered {reply.status}.",
        retry_after=retry_after_of(reply),
        extensions={"code": plain(codes[0])} if codes else {},
    )


def _refused(reply: WireReply, refusal: type[Refused] | None, place: Place) -> Problem:
    messages = read_messages(reply.body)
    if reply.status == 404:  # noqa: PLR2004 - Not Found: a record, or the whole service, of which a page tells
        if reply.body.lstrip().startswith(b"<"):
            return BackendFault("Oracle has no service at this address; check the paths of [backends.oracle].")
        return NotFound("Oracle has no such record.")
    if not messages:
        return BackendFault(f"Oracle answered {reply.status} without an error of its own.")
    if refusal is not None:
        return refused_with(refusal, messages, place)
    code = next((one.code for one in messages if one.code), "")
    return BackendFault(
        "Oracle does not understand what it was asked.", extensions={"code": plain(code)} if code else {}
    )


def _pointer(path: str) -> str | None:
    line, attribute = _LINE.search(path), path.rpartition("/")[2]
    if line:
        return f"/lines/{line[1]}{_LINE_POINTERS.get(attribute, '')}"
    return "/lines" if attribute in _LINE_POINTERS else _POINTERS.get(attribute)
