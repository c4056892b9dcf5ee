"""The streaming door: Bayeux 1.0 over long polling, as CometD clients speak it."""

import re
import secrets
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from sandboxes.salesforce.events import Event
from sandboxes.salesforce.events.avro import event_schema
from sandboxes.salesforce.events.generic import GENERIC
from sandboxes.salesforce.events.push_topics import TOPICS
from sandboxes.salesforce.faults import json_error
from sandboxes.salesforce.http import Request, Response
from sandboxes.salesforce.org import Org
from sandboxes.salesforce.sessions import Session
from sandboxes.salesforce.usage import STREAMED_EVENTS

_PATH = re.compile(r"/cometd/(\d+)\.0(?:/(?:handshake|connect|subscribe|unsubscribe|disconnect))?/?", re.IGNORECASE)
_OLDEST, _NEWEST = 37, 67
_POLL_SECONDS = 110.0
_FORGOTTEN_AFTER_SECONDS = 40.0
_MOST_EVENTS = 200
_NEW, _ALL = -1, -2
_COOKIE = "BAYEUX_BROWSER"
_RETRY: dict[str, object] = {"reconnect": "retry", "interval": 0, "timeout": int(_POLL_SECONDS * 1000)}
_HANDSHAKE: dict[str, object] = {"reconnect": "handshake", "interval": 0}
_NONE: dict[str, object] = {"reconnect": "none", "interval": 0}
Message = dict[str, Any]


class Client(Struct):
    """A client that shook hands.

    Attributes:
        subscriptions: The replay id after which each channel goes on.
        seen_at: When it was last heard of; it is forgotten 40 seconds after a poll.
    """

    id: str
    user_id: str
    browser: str
    seen_at: float
    polling: bool = False
    connected: bool = False
    subscriptions: dict[str, int] = {}


class Cometd:
    """Answers everything below /cometd.

    Args:
        org: The org.
        poll_seconds: How long a poll without events hangs.
    """

    def __init__(self, org: Org, poll_seconds: float = _POLL_SECONDS) -> None:
        self._org, self._poll_seconds = org, poll_seconds
        self._clients: dict[str, Client] = {}
        self._forgotten = 0
        org.generic.listening = self._listening
        self._replies: dict[str, Callable[[Request, Message], Message]] = {
            "/meta/handshake": self._handshake,
            "/meta/subscribe": self._subscribe,
            "/meta/unsubscribe": self._unsubscribe,
            "/meta/disconnect": self._disconnect,
        }

    async def answer(self, request: Request) -> Response:
        """The replies to an array of messages, in their order; events come before the reply to their poll."""
        path = _PATH.fullmatch(request.path)
        if path is None or not _OLDEST <= int(path[1]) <= _NEWEST:
            return Response(
                400, b"400::API version in the URI is mandatory. URI format: '/cometd/66.0'", {}, "text/plain"
            )
        self._forget()
        out: list[Message] = []
        for message in _messages(request):
            if message.get("channel") == "/meta/connect":
                out += await self._connect(request, message)
            else:
                reply = self._replies.get(str(message.get("channel")), self._unknown)
                out.append(reply(request, message))
        return Response(200, out, self._cookies(out))

    def _handshake(self, request: Request, message: Message) -> Message:
        session = self._session(request)
        if session is None:
            ext = {"sfdc": {"failureReason": "401::Authentication invalid"}, "replay": True, "payload.format": True}
            return _refused(message, "403::Handshake denied", _NONE, ext=ext)
        types: list[Any] = message.get("supportedConnectionTypes") or []
        if "long-polling" not in types:
            return _refused(message, "400::Invalid connection type", _NONE)
        client = Client(
            secrets.token_urlsafe(20), session.user_id, secrets.token_hex(16), self._now(), subscriptions={}
        )  # fmt: skip
        self._clients[client.id] = client
        return _granted(
            message,
            clientId=client.id,
            version="1.0",
            minimumVersion="1.0",
            supportedConnectionTypes=["long-polling"],
            ext={"replay": True, "payload.format": True},
        )

    async def _connect(self, request: Request, message: Message) -> list[Message]:
        if self._session(request) is None:
            return [_refused(message, "401::Authentication invalid", _NONE)]
        client = self._client(request, message)
        if client is None:
            return [_refused(message, "403::Unknown client", _HANDSHAKE)]
        if message.get("connectionType") != "long-polling":
            return [_refused(message, "400::Invalid connection type", _NONE)]
        first, client.connected = not client.connected, True
        events = [] if first else await self._news(client)
        client.seen_at = self._now()
        return [*events, _granted(message, clientId=client.id, advice=_RETRY)]

    async def _news(self, client: Client) -> list[Message]:
        """What came since, waiting for it if need be. Cancelled with its poll, it leaves the client where it was."""
        until = self._now() + self._poll_seconds
        client.polling = True
        try:
            while True:
                found = self._found(client)
                shown = [told for channel, event in found if (told := self._shown(client, channel, event))]
                left = until - self._now()
                if shown or left <= 0 or client.id not in self._clients:
                    break
                if found:
                    self._pass(client, found)
                else:
                    await self._org.bus.wait(left)
        finally:
            client.polling = False
        self._pass(client, found)
        self._org.usage.add(sum(_is_old(each["channel"]) for each in shown), STREAMED_EVENTS)
        return shown

    def _pass(self, client: Client, events: list[tuple[str, Event]]) -> None:
        for channel, event in events:
            client.subscriptions[channel] = event.replay

    def _found(self, client: Client) -> list[tuple[str, Event]]:
        found: list[tuple[str, Event]] = []
        for channel, replay in client.subscriptions.items():
            topics = self._org.event_rights.topics(channel, client.user_id) or ()
            found += [(channel, event) for event in self._org.bus.after(replay, topics, _MOST_EVENTS)]
        return sorted(found, key=lambda each: each[1].replay)

    def _shown(self, client: Client, channel: str, event: Event) -> Message | None:
        """The message for a client; None when the event is not for its user."""
        payload = self._org.event_rights.told(event, client.user_id)
        if payload is None:
            return None
        if _is_old(channel):
            more = payload | {"event": payload["event"] | {"replayId": event.replay}}
            return {"channel": channel, "data": {name: each for name, each in more.items() if name != "userIds"}}
        sobject = self._org.channels.sobject(event.topic)
        schema = event_schema(sobject)["uuid"] if sobject else ""
        told: Message = {"replayId": event.replay} | (
            {"EventUuid": event.uuid} if channel.startswith("/event/") else {}
        )
        return {"channel": channel, "data": {"schema": schema, "payload": payload, "event": told}}

    def _subscribe(self, request: Request, message: Message) -> Message:
        client = self._client(request, message)
        if client is None:
            return _refused(message, "403::Unknown client", _HANDSHAKE)
        wanted = message.get("subscription")
        channels: list[Any] = wanted if isinstance(wanted, list) else [wanted]  # pyright: ignore[reportUnknownVariableType]
        replays = _inner(_inner(message, "ext"), "replay")
        for channel in map(str, channels):
            problem = self._begin(client, channel, replays.get(channel, _NEW))
            if problem:
                return _refused(message, problem, subscription=wanted)
        self._org.bus.announce()  # a poll under way may have something to bring now
        return _granted(message, clientId=client.id, subscription=wanted)

    def _begin(self, client: Client, channel: str, replay: Any) -> str:
        """Subscribe from a place; returns what is wrong with it, if anything."""
        topics = self._org.event_rights.topics(channel, client.user_id)
        if topics is None:
            return f"400::The channel you requested to subscribe to doesn't exist {{{channel}}}"
        if self._org.event_rights.refuses(channel, client.user_id):
            return "403:denied_by_security_policy:subscribe_denied"
        if _is_old(channel) and self._org.usage.spent(STREAMED_EVENTS):
            return "403::Organization total events daily limit exceeded"
        place = int(replay) if str(replay).lstrip("-").isdecimal() else None
        if place == _NEW:
            client.subscriptions[channel] = self._org.bus.newest()
        elif place == _ALL:
            client.subscriptions[channel] = 0
        elif place is not None and self._org.bus.retains(place, topics):
            client.subscriptions[channel] = place
        else:
            return (
                f"400::The replayId {{{replay}}} you provided was invalid.  Please provide a valid ID, -2 to replay "
                "all events, or -1 to replay only new events."
            )
        return ""

    def _listening(self, channel: str) -> set[str]:
        self._forget()
        return {each.user_id for each in self._clients.values() if channel in each.subscriptions}

    def _unsubscribe(self, request: Request, message: Message) -> Message:
        client = self._client(request, message)
        if client is None:
            return _refused(message, "403::Unknown client", _HANDSHAKE)
        client.subscriptions.pop(str(message.get("subscription")), None)
        return _granted(message, clientId=client.id, subscription=message.get("subscription"))

    def _disconnect(self, request: Request, message: Message) -> Message:
        client = self._client(request, message)
        if client is None:
            return _refused(message, "403::Unknown client", _HANDSHAKE)
        del self._clients[client.id]
        self._org.bus.announce()  # a poll under way ends
        return _granted(message, clientId=client.id)

    def _unknown(self, request: Request, message: Message) -> Message:
        del request
        return _refused(message, "400::Unknown message")

    def _session(self, request: Request) -> Session | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return self._org.sessions.find(token.strip()) if scheme.lower() in ("bearer", "oauth") else None

    def _client(self, request: Request, message: Message) -> Client | None:
        """The client that the message names, if the request carries its cookie."""
        client = self._clients.get(str(message.get("clientId")))
        sent = f"{_COOKIE}={client.browser}" if client else ""
        return client if client and sent in request.headers.get("cookie", "") else None

    def _cookies(self, out: list[Message]) -> dict[str, str]:
        made = [
            self._clients[each["clientId"]]
            for each in out
            if each.get("channel") == "/meta/handshake" and each["successful"]
        ]
        return {"Set-Cookie": f"{_COOKIE}={made[-1].browser}; Path=/; HttpOnly"} if made else {}

    def _forget(self) -> None:
        if self._forgotten != self._org.forgotten:
            self._forgotten = self._org.forgotten
            self._clients.clear()
        oldest = self._now() - _FORGOTTEN_AFTER_SECONDS
        gone = [each.id for each in self._clients.values() if not each.polling and each.seen_at < oldest]
        for client_id in gone:
            del self._clients[client_id]

    def _now(self) -> float:
        return self._org.clock.timestamp()


def _is_old(channel: str) -> bool:
    """Whether it is a PushTopic or a generic channel, which have a shape and an allowance of their own."""
    return channel.startswith((TOPICS, GENERIC))


def _messages(request: Request) -> list[Message]:
    try:
        if request.body.lstrip().startswith(b"{"):
            return [msgspec.json.decode(request.body, type=Message)]
        return msgspec.json.decode(request.body, type=list[Message])
    except msgspec.MsgspecError as error:
        raise json_error(f"Not an array of Bayeux messages: {error}") from None


def _inner(message: Message, name: str) -> Message:
    found = message.get(name)
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _granted(message: Message, **more: Any) -> Message:
    return _echo(message) | {"successful": True} | more


def _refused(message: Message, error: str, advice: dict[str, object] | None = None, **more: Any) -> Message:
    return _echo(message) | {"successful": False, "error": error} | ({"advice": advice} if advice else {}) | more


def _echo(message: Message) -> Message:
    return {"channel": message.get("channel")} | ({"id": message["id"]} if "id" in message else {})
