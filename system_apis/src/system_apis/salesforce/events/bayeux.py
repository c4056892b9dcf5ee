"""Bayeux 1.0 over long polling, as Salesforce's Streaming API speaks it (Streaming API Developer Guide)."""

import itertools
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, Problem, QuotaExceeded
from shared.contracts.system.salesforce_events import ChannelNotFound
from shared.messaging.event_source import PositionExpired
from shared.resilience.credentials import Credentials
from shared.resilience.outbound import Backend
from shared.resilience.wire import WireReply
from system_apis.salesforce.events.refusals import SessionOver
from system_apis.salesforce.faults import LIMIT_PAUSE_SECONDS

Message = dict[str, Any]
_JSON: Final = {"content-type": "application/json", "accept": "application/json"}
_decoder = msgspec.json.Decoder(list[Message])
_STATUS = re.compile(r"(\d{3})::")


class UnknownClient(BackendUnavailable):
    """Salesforce has forgotten our handshake; shake hands again."""


class BayeuxClient:
    """One client of the Streaming API, after a handshake.

    Args:
        backend: The org, patient enough for a long poll.
        credentials: Of its requests.
        path: `/cometd/66.0`.
    """

    def __init__(self, backend: Backend, credentials: Credentials, path: str) -> None:
        self._backend, self._credentials, self._path = backend, credentials, path
        self._cookies: dict[str, str] = {}
        self._numbers = itertools.count(1)
        self._client_id = ""

    async def handshake(self) -> None:
        """Become a client; raises SessionOver, after which the session is fresh, and other problems."""
        message = {
            "channel": "/meta/handshake", "version": "1.0", "minimumVersion": "1.0",
            "supportedConnectionTypes": ["long-polling"],
        }  # fmt: skip
        reply = (await self._exchange(message, "handshake"))[-1]
        await self._check(reply, "the streaming API")
        self._client_id = str(reply.get("clientId", ""))

    async def subscribe(self, channel: str, replay: int) -> None:
        """Ask for a channel's events after a replay id (-1: new ones, -2: all that are kept)."""
        message = {
            "channel": "/meta/subscribe", "clientId": self._client_id, "subscription": channel,
            "ext": {"replay": {channel: replay}},
        }  # fmt: skip
        reply = (await self._exchange(message, "subscribe"))[-1]
        await self._check(reply, channel)

    async def connect(self, channel: str) -> tuple[list[Message], Mapping[str, Any]]:
        """Poll once: the events that came, and the advice for the next poll."""
        message = {"channel": "/meta/connect", "clientId": self._client_id, "connectionType": "long-polling"}
        replies = await self._exchange(message, "connect")
        events = [each for each in replies if not str(each.get("channel", "")).startswith("/meta/")]
        polled = next((each for each in replies if each.get("channel") == "/meta/connect"), None)
        if polled is None:
            raise BackendFault("Salesforce's streaming API answered a poll with something else.")
        if not events:  # what came counts, whatever becomes of the next poll
            await self._check(polled, channel)
        return events, polled.get("advice") or {}

    async def disconnect(self) -> None:
        """Say goodbye, so that no place among the concurrent clients stays taken; failing to is no harm."""
        if self._client_id:
            with suppress(Problem):
                await self._exchange({"channel": "/meta/disconnect", "clientId": self._client_id}, "disconnect")
            self._client_id = ""

    async def _exchange(self, message: Message, operation: str) -> list[Message]:
        headers = dict(_JSON)
        if self._cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        body = msgspec.json.encode([{**message, "id": str(next(self._numbers))}])
        reply = await self._backend.send(
            "POST", self._path, headers=headers, body=body, repeatable=False, operation=f"salesforce.{operation}"
        )
        self._remember(reply)
        return _messages(reply)

    def _remember(self, reply: WireReply) -> None:
        for cookie in reply.headers.every("set-cookie"):
            name, _, value = cookie.partition(";")[0].strip().partition("=")
            self._cookies[name] = value

    async def _check(self, reply: Message, what: str) -> None:
        """Raise what an unsuccessful reply stands for, the session renewed if that was it."""
        if reply.get("successful") is True:
            return
        problem = problem_of_reply(reply, what)
        if isinstance(problem, SessionOver):
            await self._credentials.renew(await self._credentials.headers())
        raise problem


def problem_of_reply(reply: Message, what: str) -> Problem:
    """What an unsuccessful reply stands for: `403::Unknown client` and its kin, and the advice that comes along."""
    error = str(reply.get("error", ""))
    reason = str(_inner(_inner(reply, "ext"), "sfdc").get("failureReason", ""))
    found = _STATUS.match(error)
    status = found[1] if found else "unknown error"
    if error.startswith("401::") or reason.startswith("401::"):
        return SessionOver(f"Salesforce's streaming API does not accept our session at {what}.")
    if "Unknown client" in error or _inner(reply, "advice").get("reconnect") == "handshake":
        return UnknownClient("Salesforce's streaming API has forgotten us.")
    if "replayId" in error:
        return PositionExpired(f"Salesforce does not go on from our place in {what}.")
    if "doesn't exist" in error or "denied_by_security_policy" in error:
        return ChannelNotFound(f"Salesforce has no {what} for our user; look at its name and permissions.")
    if "limit exceeded" in error:
        return QuotaExceeded(f"Salesforce's allowance for {what} is used up.", retry_after=LIMIT_PAUSE_SECONDS)
    if status == "503":
        return BackendUnavailable("Salesforce's streaming API is too busy.")
    return BackendFault(f"Salesforce's streaming API refuses {what} ({status}).")


def _inner(message: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = message.get(name)
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _messages(reply: WireReply) -> list[Message]:
    try:
        messages: Sequence[Message] = _decoder.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        messages = ()
    if not messages:
        raise BackendUnavailable("Salesforce's streaming API answered with no Bayeux message.")
    return list(messages)
