"""One call of the REST API whose refusals its caller understands."""

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from shared.binding.problems import BackendFault, Problem
from shared.resilience.outbound_faults import in_doubt
from shared.resilience.wire import WireReply
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.faults import BACKEND, LOCKED, errors_of_reply, trouble_of_reply
from system_apis.salesforce.platform.refusals import OrgRefused

_Answer = TypeVar("_Answer")

_body = msgspec.json.Encoder(decimal_format="number")
_REFUSED = 400
_NOTHING: Mapping[str, str] = {}


def _never(reply: WireReply) -> bool:
    del reply
    return False


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
        is_answer: Callable[[WireReply], bool] = _never,
    ) -> WireReply:
        """Send one request; statuses below 400 are answers, 300 and 304 among them.

        A row that somebody else is writing is waited for, whatever was asked: nothing was done.

        Args:
            method: HTTP method in capitals.
            path: Below the version, `/limits`, or one that the org named.
            operation: Names the span.
            body: Encoded as JSON; bytes go as they are.
            headers: Besides the connector's.
            repeatable: Whether sending it twice does what sending it once does; None: as its method says.
            is_answer: Whether a reply of status 400 and above is an answer all the same.

        Raises:
            OrgRefused: The org refuses what was asked.
            Problem: The call failed; see `faults`.
        """
        raw = body if body is None or isinstance(body, bytes) else _body.encode(body)
        own = self._salesforce.read_headers if raw is None else self._salesforce.write_headers

        def classify(reply: WireReply) -> Problem | None:
            return None if is_answer(reply) else trouble_of_reply(reply)

        pauses = self.pauses()
        while True:
            reply = await self._salesforce.backend.send(
                method,
                path if path.startswith("/services/") else self.root + path,
                headers={**own, **headers},
                body=raw,
                repeatable=repeatable,
                operation=operation,
                classify=classify,
            )
            if reply.status < _REFUSED or is_answer(reply):
                return reply
            refused = OrgRefused(reply.status, errors_of_reply(reply))
            pause = next(pauses, None) if refused.code == LOCKED else None
            if pause is None:
                raise refused
            await asyncio.sleep(pause)

    def pauses(self) -> Iterator[float]:
        """Seconds to wait before each further attempt at a row that is locked."""
        for delay in self._salesforce.settings.retry_delays:
            yield random.uniform(delay / 2, delay)  # noqa: S311 - jitter, not a secret


def decoded(decoder: msgspec.json.Decoder[_Answer], reply: WireReply, *, repeatable: bool = True) -> _Answer:
    """The body of an answer; if it is of another shape, BackendFault, or OutcomeUnknown of what is not repeatable."""
    try:
        return decoder.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise no_answer(reply, repeatable=repeatable) from None


def no_answer(reply: WireReply, *, repeatable: bool) -> Problem:
    """What a reply of success stands for that is none of the org's: somebody between gave it."""
    if not repeatable:
        return in_doubt(BACKEND)
    return BackendFault(f"Salesforce answered {reply.status} with something that is no answer.")
