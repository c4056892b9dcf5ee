"""Errors as SAP Gateway words them, in JSON and in XML.

The error body carries `code`, `message` and an `innererror` with one line per message. Codes below starting
with /IWBEP/ and /IWFND/ are Gateway's own; others are `message class/number` of the application.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from secrets import token_hex
from xml.sax.saxutils import escape

import msgspec

from sandboxes.sap.odata_v2.edm import Service

NOT_FOUND = "/IWBEP/CM_MGW_RT/020"
NO_SERVICE = "/IWFND/MED/170"
BUSINESS = "/IWBEP/CX_MGW_BUSI_EXCEPTION"
MALFORMED_URI = "/IWFND/CM_MGW/002"
MALFORMED_BODY = "/IWFND/CM_MGW/530"
METHOD_REFUSED = "/IWFND/CM_MGW/405"
PRECONDITION = "/IWBEP/CM_MGW_RT/412"


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `severity` is success, info, warning or error, `target` the property it is about."""

    code: str
    text: str
    severity: str = "error"
    target: str = ""
    content_id: str = ""


@dataclass(slots=True)
class ODataError(Exception):
    """A refused request: HTTP status, main message and all messages behind it."""

    status: int
    message: Message
    details: tuple[Message, ...] = ()
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def in_content(self, content_id: str) -> "ODataError":
        """The same error, its details naming the part of a changeset they are about."""
        details = tuple(replace(one, content_id=content_id) for one in self.details or (self.message,))
        return ODataError(self.status, self.message, details, self.headers)


def refuse(status: int, code: str, text: str, target: str = "") -> ODataError:
    """An error with a single message."""
    return ODataError(status, Message(code, text, target=target))


def error_json(error: ODataError, service: Service | None, now: datetime) -> bytes:
    """The error as JSON."""
    inner: dict[str, object] = {}
    if service is not None:
        inner["application"] = {
            "component_id": service.component,
            "service_namespace": "/SAP/",
            "service_id": service.name,
            "service_version": f"{service.version:04d}",
        }
    inner |= {"transactionid": token_hex(16).upper(), "timestamp": _timestamp(now)}
    inner["Error_Resolution"] = _RESOLUTION
    inner["errordetails"] = [_detail(one) for one in error.details or (error.message,)]
    message = {"lang": "en", "value": error.message.text}
    return msgspec.json.encode({"error": {"code": error.message.code, "message": message, "innererror": inner}})


def error_xml(error: ODataError, service: Service | None, now: datetime) -> bytes:
    """The error as XML."""
    application = (
        ""
        if service is None
        else (
            f"<application><component_id>{service.component}</component_id><service_namespace>/SAP/</service_namespace>"
            f"<service_id>{service.name}</service_id><service_version>{service.version:04d}</service_version></application>"
        )
    )
    details = "".join(
        f"<errordetail><ContentID>{escape(one.content_id)}</ContentID><code>{escape(one.code)}</code>"
        f"<message>{escape(one.text)}</message><propertyref/><severity>{one.severity}</severity>"
        f"<target>{escape(one.target)}</target><transition>false</transition></errordetail>"
        for one in error.details or (error.message,)
    )
    resolution = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in _RESOLUTION.items())
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
        f'<code>{escape(error.message.code)}</code><message xml:lang="en">{escape(error.message.text)}</message>'
        f"<innererror>{application}<transactionid>{token_hex(16).upper()}</transactionid>"
        f"<timestamp>{_timestamp(now)}</timestamp><Error_Resolution>{resolution}</Error_Resolution>"
        f"<errordetails>{details}</errordetails></innererror></error>"
    ).encode()


def sap_message(remarks: tuple[Message, ...]) -> str:
    """The `sap-message` header of a success with remarks: the first one, the rest as its details (ASCII JSON)."""
    first, *rest = (
        {"code": one.code, "message": one.text, "target": one.target, "severity": one.severity, "transition": False}
        for one in remarks
    )
    document = msgspec.json.encode({**first, "details": rest}).decode()
    return "".join(char if ord(char) < 128 else "".join(f"\\u{unit:04x}" for unit in _utf16(char)) for char in document)  # noqa: PLR2004 - end of ASCII


_RESOLUTION = {
    "SAP_Transaction": (
        "Run transaction /IWFND/ERROR_LOG on SAP Gateway hub system (System Alias LOCAL) and search for entries "
        "with the timestamp above for more details"
    ),
    "SAP_Note": "See SAP Note 1797736 for error analysis (https://service.sap.com/sap/support/notes/1797736)",
}


def _detail(one: Message) -> dict[str, object]:
    return {
        "ContentID": one.content_id,
        "code": one.code,
        "message": one.text,
        "longtext_url": "",
        "propertyref": "",
        "severity": one.severity,
        "target": one.target,
        "transition": False,
    }


def _timestamp(now: datetime) -> str:
    return now.strftime("%Y%m%d%H%M%S.%f") + "0"


def _utf16(char: str) -> tuple[int, ...]:
    encoded = char.encode("utf-16-be")
    return tuple(int.from_bytes(encoded[at : at + 2], "big") for at in range(0, len(encoded), 2))
