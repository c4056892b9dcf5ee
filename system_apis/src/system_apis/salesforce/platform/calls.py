"""One call of the REST API whose refusals its caller understands."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from shared.binding.problems import BackendFault
from shared.resilience.wire import WireReply
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.faults import errors_of_reply, trouble_of_reply
from system_apis.salesforce.platform.refusals import OrgRefused

_Answer = TypeVar("_Answer")

_body = msgspec.json.Encoder(decimal_format="number")
_REFUSED = 400
_NOTHING: Mapping[str, str] = {}


class OrgCalls:
    """Calls below the path of the API version, through the connector's session and policies.

    Args:
        salesforce: The org.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        self._salesforce = salesforce
        self.root = salesforce.root

    async def send(
        self,
        method: str,
        path: str,
        operation: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] = _NOTHING,
        repeatable: bool | None = None,
    ) -> WireReply:
        """Send one request; statuses below 400 are answers, 300 and 304 among them.

        Args:
            method: HTTP method in capitals.
            path: Below the version, `/limits`, or one that the org named.
            operation: Names the span.
            body: Encoded as JSON; bytes go as they are.
            headers: Besides the connector's.
            repeatable: Whether sending it twice does what sending it once does; None: as its method says.

        Raises:
            OrgRefused: The org refuses what was asked.
            Problem: The call failed; see `faults`.
        """
        raw = body if body is None or isinstance(body, bytes) else _body.encode(body)
        own = self._salesforce.read_headers if raw is None else self._salesforce.write_headers
        reply = await self._salesforce.backend.send(
            method,
            path if path.startswith("/services/") else self.root + path,
            headers={**own, **headers},
            body=raw,
            repeatable=repeatable,
            operation=operation,
            classify=trouble_of_reply,
        )
        if reply.status >= _REFUSED:
            raise OrgRefused(reply.status, errors_of_reply(reply))
        return reply


def decoded(decoder: msgspec.json.Decoder[_Answer], reply: WireReply) -> _Answer:
    """The body of an answer; BackendFault if it is of another shape."""
    try:
        return decoder.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BackendFault(f"Salesforce answered {reply.status} with something that is no answer.") from None
