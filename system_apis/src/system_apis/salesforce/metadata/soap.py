"""Calls of the Metadata API's SOAP door, for what REST does not have (Metadata API Developer Guide)."""

import re
from typing import Final
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from shared.binding.problems import BackendFault, Problem
from shared.resilience.wire import WireReply
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.faults import BACKEND, problem_of_errors, problem_of_reply
from system_apis.salesforce.metadata.markup import NAMESPACE, Tree, markup, parse
from system_apis.salesforce.records import SaveError

_SECONDS = 120.0
_FAULT: Final = re.compile(rb"<faultcode>\s*(?:\w+:)?([A-Za-z0-9_]{1,80})\s*</faultcode>")
_FIRST_BYTES = 4_096
_BEARER = "Bearer "


class _SessionEnded(BackendFault):
    """The session in the envelope is no longer good."""


class MetadataSoap:
    """The SOAP door of one org.

    Args:
        salesforce: The org.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        self._path = f"/services/Soap/m/{salesforce.settings.api_version}"
        self._client = escape(salesforce.settings.client_name)
        self._session = salesforce.credentials
        self._line = salesforce.line(f"{BACKEND}-metadata-soap", timeout=_SECONDS, classify=_problem_of_reply)

    async def call(self, name: str, arguments: Tree, operation: str, *, repeatable: bool) -> Element:
        """Call an operation; returns its `…Response` element.

        Args:
            name: `retrieve`, `checkRetrieveStatus`, …
            arguments: Its children.
            operation: Names the span.
            repeatable: Whether calling it twice does what calling it once does.

        Raises:
            Problem: The call failed; see `faults`.
        """
        used = await self._session.headers()
        try:
            reply = await self._send(name, arguments, operation, used["authorization"], repeatable=repeatable)
        except _SessionEnded:
            # The session stands in the envelope, where the backend's own renewal does not reach.
            await self._session.renew(used)
            fresh = (await self._session.headers())["authorization"]
            reply = await self._send(name, arguments, operation, fresh, repeatable=repeatable)
        found = parse(reply.body).find(f"Body/{name}Response")
        if found is None:
            raise BackendFault(f"Salesforce answered {name} with something else.")
        return found

    async def _send(self, name: str, arguments: Tree, operation: str, bearer: str, *, repeatable: bool) -> WireReply:
        session = escape(bearer.removeprefix(_BEARER))
        envelope = (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" '
            f'xmlns="{NAMESPACE}"><e:Header><CallOptions><client>{self._client}</client></CallOptions>'
            f"<SessionHeader><sessionId>{session}</sessionId></SessionHeader></e:Header>"
            f"<e:Body><{name}>{markup(arguments)}</{name}></e:Body></e:Envelope>"
        )
        headers = {"content-type": "text/xml; charset=UTF-8", "soapaction": '""', "accept": "text/xml"}
        return await self._line.send(
            "POST", self._path, headers=headers, body=envelope.encode(), repeatable=repeatable, operation=operation
        )


def _problem_of_reply(reply: WireReply) -> Problem | None:
    """A fault comes with 500, whatever it says."""
    found = _FAULT.search(reply.body[:_FIRST_BYTES]) if reply.status >= 400 else None  # noqa: PLR2004
    if found is None:
        return problem_of_reply(reply)
    code = found[1].decode()
    if code == "INVALID_SESSION_ID":
        return _SessionEnded("Salesforce ended our session, and the next one too; look at the integration user.")
    return problem_of_errors(400, [SaveError(error_code=code)])
