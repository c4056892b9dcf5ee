"""multipart/form-data bodies (RFC 7578), as far as clients send them: parts with a name and a content type."""

import re

from sandboxes.salesforce.faults import json_error
from sandboxes.salesforce.http import Request

_BOUNDARY = re.compile(r'boundary="?([^";]{1,70})"?', re.IGNORECASE)
_NAME = re.compile(rb'\bname="([^"]*)"', re.IGNORECASE)


def parts_of(request: Request) -> dict[str, bytes]:
    """The contents of the parts by name; ApiError if the body is no multipart."""
    found = _BOUNDARY.search(request.headers.get("content-type", ""))
    if found is None:
        raise json_error("Multipart message: the Content-Type names no boundary")
    delimiter = b"\r\n--" + found[1].encode("latin-1")
    parts: dict[str, bytes] = {}
    for piece in (b"\r\n" + request.body).split(delimiter)[1:]:
        head, separator, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if separator and name is not None:
            parts[name[1].decode("utf-8", "replace")] = content
    return parts
