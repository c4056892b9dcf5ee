"""Conditional requests: dates for every record and describe, ETags for accounts (RFC 9110 §13)."""

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.http import Request


def last_modified(stored: str) -> str:
    """A stored moment as an HTTP date."""
    return format_datetime(datetime.fromisoformat(stored).astimezone(UTC), usegmt=True)


def entity_tag(sobject: str, stored: str) -> str | None:
    """The ETag of a record, which only accounts have."""
    moment = datetime.fromisoformat(stored)
    return f'"{int(moment.timestamp() * 1000):x}"' if sobject == "Account" else None


def check(request: Request, stored: str, tag: str | None = None) -> bool:
    """Whether the client's copy is current, so that 304 answers; ApiError 412 if a precondition fails."""
    modified = datetime.fromisoformat(stored).replace(microsecond=0)
    unless = _date(request.headers.get("if-unmodified-since"))
    if unless and modified > unless:
        raise _precondition_failed("If-Unmodified-Since")
    wanted = request.headers.get("if-match")
    if tag and wanted and wanted != "*" and tag not in wanted:
        raise _precondition_failed("If-Match")
    known = request.headers.get("if-none-match")
    if tag and known:
        if known != "*" and tag not in known:
            return False
        if request.method not in ("GET", "HEAD"):
            raise _precondition_failed("If-None-Match")
        return True
    since = _date(request.headers.get("if-modified-since"))
    return bool(since and modified <= since)


def _date(header: str | None) -> datetime | None:
    if not header:
        return None
    try:
        return parsedate_to_datetime(header)
    except ValueError:
        return None


def _precondition_failed(header: str) -> ApiError:
    return ApiError(412, "PRECONDITION_FAILED", f"{header} condition not satisfied: the record has changed")
