"""Errors and remarks as version 4 words them: the message is a string, severities are numbers.

Source: OData 4.0 "JSON Format", section 19, with SAP's `@Common.numericSeverity`.
"""

import json
from datetime import datetime
from secrets import token_hex

import msgspec

from sandboxes.sap.odata_v2.errors import Message, ODataError
from sandboxes.sap.odata_v4.model import ServiceV4

NO_SERVICE = "/IWFND/CM_V4_COS/021"
_SEVERITIES = {"success": 1, "info": 2, "warning": 3, "error": 4}


def error_document(error: ODataError, service: ServiceV4 | None, now: datetime) -> bytes:
    """The error as JSON."""
    inner: dict[str, object] = {"transactionId": token_hex(16).upper(), "timestamp": now.strftime("%Y%m%d%H%M%S.%f")}
    if service is not None:
        inner["application"] = {
            "component_id": service.component,
            "service_repository": "SRVD_A2X",
            "service_id": service.name.upper(),
            "service_version": f"{service.version:04d}",
        }
    body = {**_said(error.message), "innererror": {"ErrorDetails": {"@SAP__common.Application": inner}}}
    if error.details:
        body["details"] = [_said(one) for one in error.details]
    return msgspec.json.encode({"error": body})


def remarks_header(remarks: list[Message]) -> str:
    """The `sap-messages` header of a success with remarks (ASCII JSON)."""
    said = [
        {"code": one.code, "message": one.text, "numericSeverity": _SEVERITIES[one.severity], "target": one.target}
        for one in remarks
    ]
    return json.dumps(said)


def _said(one: Message) -> dict[str, object]:
    said: dict[str, object] = {"code": one.code, "message": one.text}
    if one.target:
        said["target"] = one.target
    return said | {"@Common.numericSeverity": _SEVERITIES[one.severity]}
