"""Oracle's REST framework over the outbound policies: reads, pages, writes, actions and batches.

What Oracle refuses is a problem by the time it leaves here (`faults`); what is missing is None.
"""

from collections.abc import AsyncGenerator, Mapping
from typing import TypeVar

import msgspec

from shared.binding.problems import BackendFault, NotFound, Refused
from shared.resilience.outbound import Backend, Outbound
from shared.resilience.outbound_faults import decode_json
from shared.resilience.wire import ReplyHeaders, WireReply
from system_apis.oracle.credentials import credentials_of
from system_apis.oracle.error_messages import Message, failed_part
from system_apis.oracle.faults import NAME, Place, classifier, erp_place, problem_of
from system_apis.oracle.rest import ACTION, BATCH, ITEM, Batch, Listed, Part
from system_apis.oracle.settings import OracleSettings

_T = TypeVar("_T")
_MOST_PAGES = 200
_encoder = msgspec.json.Encoder(decimal_format="number")


class OracleConnector:
    """One Fusion pod.

    Args:
        settings: `[backends.oracle]`.
        outbound: Makes the backend with its policies.

    Attributes:
        settings: The same.
        backend: Sends requests, signed on; SOAP services share it.
        outbound: What made it, for an E-Business Suite beside the pod.
    """

    def __init__(self, settings: OracleSettings, outbound: Outbound) -> None:
        self.settings = settings
        self.outbound = outbound
        self.backend: Backend = outbound.backend(
            NAME, settings, credentials=credentials_of(settings, outbound), classify=problem_of
        )
        self._headers = {"accept": "application/json", "rest-framework-version": str(settings.framework_version)}
        if settings.metadata_context:
            self._headers["metadata-context"] = settings.metadata_context

    async def read(
        self, path: str, kind: type[_T], operation: str, *, refusal: type[Refused] | None = None
    ) -> _T | None:
        """What is at a path, as `kind`; None when Oracle says that there is no such record.

        Args:
            path: From the pod's root.
            kind: What the answer holds.
            operation: Names the span.
            refusal: What a question that Oracle does not understand becomes, where callers asked it themselves.

        Raises:
            Problem: As `Backend.send` and `faults.problem_of`; `BackendFault` if it is not of that kind.
        """
        try:
            reply = await self.backend.send(
                "GET", path, headers=self._headers, operation=operation, classify=classifier(refusal, _nowhere)
            )
        except NotFound:
            return None
        return decode_json(self._spoken(reply), kind, backend=NAME)

    async def rows(self, path: str, kind: type[_T], operation: str) -> list[_T]:
        """One page of a collection.

        Raises:
            Problem: As `read`.
        """
        found = await self.read(path, Listed[kind], operation)
        return found.items if found is not None else []

    async def pages(self, path: str, kind: type[_T], operation: str) -> AsyncGenerator[_T]:
        """Every row of a collection, page after page; `path` has a query that orders the rows.

        Raises:
            Problem: As `read`; `BackendFault` where the collection does not end.
        """
        size = self.settings.page_size
        for page in range(_MOST_PAGES):
            found = await self.read(f"{path}&limit={size}&offset={page * size}", Listed[kind], operation)
            for row in found.items if found is not None else []:
                yield row
            if found is None or not found.hasMore:
                return
        raise BackendFault("Oracle's answer goes on without end.")

    async def create(
        self,
        path: str,
        body: object,
        kind: type[_T],
        operation: str,
        *,
        refusal: type[Refused] | None = None,
        repeatable: bool = False,
        upsert: bool = False,
    ) -> _T:
        """Create an item; returns it as Oracle keeps it.

        Args:
            path: Of the collection.
            body: Encoded as JSON.
            kind: What the answer holds.
            operation: Names the span.
            refusal: What a refusal by a rule of the business becomes; without one it is a `BackendFault`.
            repeatable: Whether sending it twice is harmless.
            upsert: Change the item with this alternate key if there is one (`Upsert-Mode`).
        """
        extra = {"upsert-mode": "true"} if upsert else {}
        reply = await self.write("POST", path, body, operation, refusal, ITEM, extra, repeatable=repeatable or upsert)
        return decode_json(reply, kind, backend=NAME)

    async def change(
        self,
        path: str,
        body: object,
        kind: type[_T],
        operation: str,
        *,
        refusal: type[Refused] | None = None,
        if_match: str = "",
    ) -> _T:
        """Change some attributes of an item, which is harmless to repeat unless `if_match` names its version.

        Raises:
            PreconditionFailed: It is no longer that version.
            Problem: As `create`.
        """
        extra = {"if-match": if_match} if if_match else {}
        reply = await self.write("PATCH", path, body, operation, refusal, ITEM, extra, repeatable=not if_match)
        return decode_json(reply, kind, backend=NAME)

    async def act(
        self,
        path: str,
        body: object,
        kind: type[_T],
        operation: str,
        *,
        refusal: type[Refused] | None = None,
        repeatable: bool = False,
        media_type: str = ACTION,
    ) -> _T:
        """Run an action (`…/action/<name>`); returns its whole answer, usually an object with `result`.

        Raises:
            Problem: As `create`.
        """
        reply = await self.write("POST", path, body, operation, refusal, media_type, {}, repeatable=repeatable)
        return decode_json(reply, kind, backend=NAME)

    async def batch(
        self,
        root: str,
        parts: list[Part],
        operation: str,
        *,
        refusal: type[Refused] | None = None,
        repeatable: bool = True,
        place: Place = erp_place,
    ) -> list[Part]:
        """Run several operations in one transaction: all take effect, or none.

        Args:
            root: Version root of the resources, `fscm_path` or `crm_path`.
            parts: In the order they run.
            operation: Names the span.
            refusal: As `create`.
            repeatable: Whether sending them together twice is harmless.
            place: As `write`.
        """
        body = Batch(parts)
        reply = await self.write("POST", root, body, operation, refusal, BATCH, {}, repeatable=repeatable, place=place)
        error = failed_part(reply.body)
        if error is not None:  # some gateways answer 200 to a batch that was rolled back
            refused = WireReply(_status_of(error), ReplyHeaders(), reply.body)
            raise problem_of(refused, refusal, place) or BackendFault("Oracle refused a part of a batch.")
        answered = decode_json(reply, Batch, backend=NAME).parts
        if len(answered) != len(parts):
            raise BackendFault("Oracle did not answer every part of a batch; whether it took effect is unknown.")
        return answered

    async def write(
        self,
        method: str,
        path: str,
        body: object,
        operation: str,
        refusal: type[Refused] | None,
        media_type: str,
        extra: Mapping[str, str],
        *,
        repeatable: bool,
        place: Place = erp_place,
    ) -> WireReply:
        """Send a write as it is; returns Oracle's answer.

        Args:
            method: Of HTTP.
            path: From the pod's root.
            body: Encoded as JSON; None for none.
            operation: Names the span.
            refusal: As `create`.
            media_type: Of the body.
            extra: More headers.
            repeatable: Whether sending it twice is harmless.
            place: Where in what the caller sent an attribute is.

        Raises:
            Problem: As `create`.
        """
        reply = await self.backend.send(
            method,
            path,
            headers={**self._headers, "content-type": media_type, **extra},
            body=_encoder.encode(body) if body is not None else b"",
            operation=operation,
            repeatable=repeatable,
            classify=classifier(refusal, place),
        )
        return self._spoken(reply)

    def _spoken(self, reply: WireReply) -> WireReply:
        """The answer, if it is written in the framework version that we asked for; it repeats it."""
        asked = str(self.settings.framework_version)
        answered = reply.headers.get("rest-framework-version", asked).strip()
        if answered != asked:
            raise BackendFault(
                f"Oracle answers in REST framework version {answered}, asked for {asked}; choose a framework_version "
                "that the pod allows, as its version root tells."
            )
        return reply


def _status_of(error: Mapping[str, object]) -> int:
    """The status of an error, which Oracle writes as text."""
    status = str(error.get("status", ""))
    return int(status) if status.isdigit() and 400 <= int(status) < 600 else 400  # noqa: PLR2004 - errors


def _nowhere(_: Message) -> None:
    """What a question is about is in its words."""
