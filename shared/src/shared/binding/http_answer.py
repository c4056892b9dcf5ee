"""Writing an answer: status, headers, body, in one place for successes and problems."""

from hashlib import blake2b
from typing import Any
from urllib.parse import quote

import msgspec

from shared.binding.declare import Page
from shared.binding.operation import RUNNING_STATES, Operation
from shared.binding.problem_document import write_problem
from shared.binding.problems import PROBLEM_MEDIA_TYPE, Forbidden, Problem, Unauthenticated
from shared.security.authorisation import www_authenticate

HeaderPairs = list[tuple[bytes, bytes]]

_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", PROBLEM_MEDIA_TYPE.encode())
_PRIVATE = (b"cache-control", b"private, no-cache")
_NO_STORE = (b"cache-control", b"no-store")


class Answer:
    """A complete HTTP answer."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


def success(operation: Operation, result: Any, if_none_match: bytes | None, wait: float | None) -> Answer:
    """The answer for a result: 200, 201, 202, 204, or 304 when the caller has this version already."""
    if result is None and operation.route.status == 204:  # noqa: PLR2004 - no content
        return Answer(204, [_NO_STORE], b"")
    body = operation.encode_result(result)
    if operation.method == "GET":
        return _versioned(operation, result, body, if_none_match)
    headers: HeaderPairs = [_JSON, _NO_STORE]
    status = operation.route.status
    if operation.route.long_running:
        location = _location(operation, operation.route.long_running, result)
        headers.append((b"location", location))
        if getattr(result, "state", None) in RUNNING_STATES:
            status = 202
            headers.append((b"retry-after", b"1"))
        if wait is not None:
            headers.append((b"preference-applied", f"wait={wait:g}".encode() if wait else b"respond-async"))
    return Answer(status, headers, body)


def _versioned(operation: Operation, result: Any, body: bytes, if_none_match: bytes | None) -> Answer:
    etag = b'"%b"' % blake2b(body, digest_size=12).hexdigest().encode()
    headers: HeaderPairs = [_JSON, _PRIVATE, (b"etag", etag)]
    if isinstance(result, Page) and result.next_cursor:
        headers.append((b"link", f'<?cursor={quote(result.next_cursor)}>; rel="next"'.encode()))
    if if_none_match is not None and _matches(if_none_match, etag):
        return Answer(304, headers[1:], b"")
    return Answer(operation.route.status, headers, body)


def _matches(if_none_match: bytes, etag: bytes) -> bool:
    """Weak comparison, as `If-None-Match` asks for (RFC 9110 §13.1.2)."""
    tags = [tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")]
    return b"*" in tags or etag in tags


def _location(operation: Operation, template: str, result: Any) -> bytes:
    fields = {name: quote(str(value), safe="") for name, value in msgspec.structs.asdict(result).items()}
    return (operation.contract.prefix + template.format_map(fields)).encode()


def refusal(problem: Problem, *, instance: str, trace_id: str, realm: str) -> Answer:
    """The answer for a problem (RFC 9457), with the headers its kind calls for."""
    details = problem.details(instance=instance, trace_id=trace_id or None)
    headers: HeaderPairs = [_PROBLEM, _NO_STORE]
    if problem.retry_after is not None:
        headers.append((b"retry-after", str(max(1, -(-int(problem.retry_after * 1000) // 1000))).encode()))
    if isinstance(problem, Unauthenticated | Forbidden):
        headers.append((b"www-authenticate", www_authenticate(problem, realm).encode()))
    if allow := problem.extensions.get("allow"):
        headers.append((b"allow", str(allow).encode()))
    return Answer(problem.status, headers, write_problem(details))
