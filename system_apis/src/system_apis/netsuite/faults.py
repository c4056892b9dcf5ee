"""What NetSuite's refusals mean: every reply that is no answer becomes one problem, here and nowhere else.

REST names what is wrong in `o:errorDetails`, RESTlets in `error`, SOAP in faults and statuses (`soap`); a page
of HTML comes from the servers in front. The same code means the same on all three, so act on the code: RESTlets answer
400 where REST answers 429. NetSuite's own words are shown for business rules only, as `remark` and in `errors`.
"""

import re

import msgspec

from shared.binding.problems import (
    BackendFault,
    BackendUnavailable,
    Conflict,
    FieldError,
    NotFound,
    PreconditionFailed,
    Problem,
    QuotaExceeded,
)
from shared.contracts.system.erp import OrderRejected
from shared.resilience.outbound_faults import problem_of_status
from shared.resilience.wire import WireReply

NAME = "NetSuite"

BUSY = frozenset({
    "SSS_REQUEST_LIMIT_EXCEEDED", "WS_REQUEST_BLOCKED", "WS_CONCUR_SESSION_DISALLWD", "CONCURRENCY_LIMIT_EXCEEDED",
    "REQUEST_LIMIT_EXCEEDED", "SSS_USAGE_LIMIT_EXCEEDED", "USAGE_LIMIT_EXCEEDED",
})  # fmt: skip
"""More requests at once than the account takes, or more work than it does for one."""
_SIGN_IN = frozenset({
    "INVALID_LOGIN", "INVALID_LOGIN_ATTEMPT", "INVALID_LOGIN_CREDENTIALS", "SESSION_TIMED_OUT", "INVALID_ACCT",
    "USER_DISABLED", "TWO_FA_REQD",
})  # fmt: skip
_FORBIDDEN = frozenset({"INSUFFICIENT_PERMISSION", "INSUFFICIENT_CHARGE_PERMISSION", "FEATURE_DISABLED"})
_MISSING = frozenset({"NONEXISTENT_ID", "RCRD_DSNT_EXIST", "NONEXISTENT_RECORD_INSTANCE"})
_CHANGED = frozenset({"RCRD_HAS_BEEN_CHANGED", "CONCURRENT_UPDATE", "COULD_NOT_LOCK_RCRD"})
_TAKEN = frozenset({"DUP_RCRD", "UNIQUE_CUST_ID_REQD", "DUP_ENTITY", "RCRD_ID_NOT_UNIQUE", "IDEMPOTENCY_ERROR"})
_PROTOCOL = frozenset({
    "NONEXISTENT_FIELD", "INVALID_PARAMETER", "INVALID_HEADER", "INVALID_URL", "METHOD_NOT_ALLOWED", "INVALID_REQUEST",
    "NONEXISTENT_RECORD_TYPE", "SSS_MISSING_REQD_ARGUMENT", "SSS_INVALID_SCRIPTLET_ID", "UNSUPPORTED_MEDIA_TYPE",
})  # fmt: skip
_PASSING = frozenset({"UNEXPECTED_ERROR", "SSS_UNEXPECTED_ERROR"})
_LONGEST_REMARK = 220
_INDEX = re.compile(r"\[(\d+)\]")
_POINTERS = {
    "entity": "/erpNumber",
    "currency": "/currency",
    "shipAddressList": "/shipToErpNumber",
    "externalId": "/reference",
    "otherRefNum": "/purchaseOrder",
    "companyName": "/name",
    "email": "/email",
    "phone": "/phone",
    "parent": "/parentErpNumber",
    "terms": "/paymentTerms",
    "vatRegNumber": "/taxNumber",
    "city": "/address/city",
    "state": "/address/region",
    "zip": "/address/postalCode",
    "country": "/address/country",
    "addr1": "/address/street",
    "addr2": "/address/street",
    "addressee": "/name",
    "label": "/name",
}
"""Where in our order, return or customer the field is that a message is about; of lines see `_pointer`."""
_LINE_POINTERS = {"item": "/sku", "quantity": "/quantity", "rate": "/unitPrice", "orderLine": "/orderItem"}


class Detail(msgspec.Struct, frozen=True):
    """One thing that is wrong: its code, NetSuite's words, and the field if it is about one."""

    code: str = ""
    text: str = ""
    path: str = ""


def problem_of(reply: WireReply) -> Problem | None:
    """What a reply of REST or a RESTlet means to the caller, or None if it is an answer."""
    if reply.status < 300 and not _claims_error(reply.body):  # noqa: PLR2004 - success (RFC 9110 §15.3)
        return None
    details = details_of(reply.body)
    if reply.status < 300 and not details:  # noqa: PLR2004
        return None
    return problem_of_details(details, reply) or problem_of_status(reply, NAME)


def problem_of_details(details: list[Detail], reply: WireReply) -> Problem | None:
    """What codes and status mean together; None where neither says anything."""
    codes, status = {one.code for one in details}, reply.status
    if status == 429 or codes & BUSY:  # noqa: PLR2004 - Too Many Requests (RFC 6585 §4)
        return QuotaExceeded("NetSuite takes no more of our requests at once; try again shortly.")
    if status == 401 or codes & _SIGN_IN:  # noqa: PLR2004 - here and below: the statuses NetSuite gives these meanings
        return BackendFault("NetSuite refuses our credentials; check [backends.netsuite] and the login audit trail.")
    if status == 403 or codes & _FORBIDDEN:  # noqa: PLR2004
        return BackendFault("NetSuite forbids our role this; check its permissions and the account's features.")
    if codes & _CHANGED or (status in (409, 412) and not codes & _TAKEN):
        return PreconditionFailed("The record was changed in NetSuite in the meantime.")
    if codes & _TAKEN:
        return Conflict("NetSuite has a record with this key already.", extensions=_of(details, shown=False))
    if codes & _MISSING:
        return NotFound("NetSuite has no such record.")
    if status >= 500 or codes & _PASSING:  # noqa: PLR2004
        return BackendUnavailable(f"NetSuite answered {status}.", extensions=_of(details, shown=False))
    if status == 404:  # noqa: PLR2004
        return BackendFault("NetSuite has no service at this address; check url and account of [backends.netsuite].")
    if not details:
        return None
    return _refused(status, details)


def _refused(status: int, details: list[Detail]) -> Problem:
    business = [one for one in details if one.code not in _PROTOCOL]
    if not business:
        return BackendFault(f"NetSuite could not read our request ({status}).", extensions=_of(details, shown=False))
    errors = [FieldError(detail=plain(one.text), pointer=pointer(one.path)) for one in business if one.text]
    return OrderRejected(
        "NetSuite refused this by one of its rules, given as `remark`.",
        errors=list({one.detail: one for one in errors}.values()),
        extensions=_of(business, shown=True),
    )


def pointer(path: str) -> str | None:
    """Where a field of theirs is in what we were given: `item.items[0].item` is `/lines/0/sku`."""
    field = _INDEX.sub("", path).rpartition(".")[2]
    line = _INDEX.search(path)
    if path.startswith("item") and line:
        return f"/lines/{line[1]}{_LINE_POINTERS.get(field, '')}"
    return _POINTERS.get(field)


def plain(text: str) -> str:
    """NetSuite's words as one line of bounded length."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:_LONGEST_REMARK]


def details_of(body: bytes) -> list[Detail]:
    """Everything that an error document of REST or a RESTlet complains of; none where it is no such document."""
    try:
        document = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    if document.error is not None:
        return [_restlet_detail(document.error)]
    listed = [
        Detail(one.code, one.detail, one.path or one.url_path or one.query or one.header) for one in document.details
    ]
    return listed or ([Detail(document.code, document.detail)] if document.code else [])


def _restlet_detail(error: "_RestletError | str") -> Detail:
    return Detail(text=error) if isinstance(error, str) else Detail(error.code, error.message)


def _claims_error(body: bytes) -> bool:
    """Whether a body of status 200 may be an error document all the same."""
    return b'"o:errorDetails"' in body or body.lstrip().startswith(b'{"error"')


def _of(details: list[Detail], *, shown: bool) -> dict[str, str]:
    if not details:
        return {}
    said = details[0]
    return {"code": said.code} | ({"remark": plain(said.text)} if shown and said.text else {})


class _RestDetail(msgspec.Struct, frozen=True):
    detail: str = ""
    code: str = msgspec.field(name="o:errorCode", default="")
    path: str = msgspec.field(name="o:errorPath", default="")
    url_path: str = msgspec.field(name="o:urlPath", default="")
    query: str = msgspec.field(name="o:errorQueryParam", default="")
    header: str = msgspec.field(name="o:errorHeader", default="")


class _RestletError(msgspec.Struct, frozen=True):
    code: str = ""
    message: str = ""


class _Document(msgspec.Struct, frozen=True):
    detail: str = ""
    code: str = msgspec.field(name="o:errorCode", default="")
    details: list[_RestDetail] = msgspec.field(name="o:errorDetails", default_factory=list[_RestDetail])
    error: _RestletError | str | None = None


_decoder = msgspec.json.Decoder(_Document)
