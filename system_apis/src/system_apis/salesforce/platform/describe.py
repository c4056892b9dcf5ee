"""What the org says of its objects, kept for a while and asked again only whether it has changed.

REST API Developer Guide, "Describe Global", "sObject Describe", "Conditional Requests".
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from shared.contracts.system.salesforce_platform import ObjectDescription, ObjectSummary
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.platform.calls import OrgCalls, decoded
from system_apis.salesforce.platform.names import is_name
from system_apis.salesforce.platform.refusals import OrgRefused, no_object

_Known = TypeVar("_Known")

_UNCHANGED = 304
_MOST = 1_000
"""Descriptions kept; the oldest goes."""


class Objects(msgspec.Struct, frozen=True):
    """The global describe."""

    sobjects: list[ObjectSummary]


@dataclass(slots=True)
class _Kept(Generic[_Known]):
    answer: _Known
    modified: str | None
    fresh_until: float


_objects = msgspec.json.Decoder(Objects)
_object = msgspec.json.Decoder(ObjectDescription)


class Describe:
    """Descriptions of one org.

    Args:
        salesforce: The org; `describe_ttl` of its settings says how long an answer counts unasked.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        self._calls = OrgCalls(salesforce)
        self._ttl = salesforce.settings.describe_ttl
        self._kept: dict[str, _Kept[ObjectDescription]] = {}
        self._all: dict[str, _Kept[Objects]] = {}
        self.clock: Callable[[], float] = time.monotonic

    async def objects(self) -> list[ObjectSummary]:
        """Every object of the org, by name."""
        found = await self._fresh(self._all, "", "/sobjects", _objects)
        return sorted(found.sobjects, key=lambda each: each.name)

    async def object(self, sobject: str) -> ObjectDescription:
        """One object with fields and child relationships.

        Args:
            sobject: API name, in any case.

        Raises:
            ObjectNotFound: There is none of this name, or it cannot be one.
        """
        if not is_name(sobject):
            raise no_object(sobject)
        try:
            return await self._fresh(self._kept, sobject.lower(), f"/sobjects/{sobject}/describe", _object)
        except OrgRefused as refused:
            if refused.code in ("NOT_FOUND", "INVALID_TYPE"):
                raise no_object(sobject) from None
            raise refused.problem from None

    def forget(self, sobject: str) -> None:
        """Ask anew at the next use: the org said that a name we took from here is none."""
        self._kept.pop(sobject.lower(), None)
        self._all.clear()

    async def _fresh(
        self, kept: dict[str, _Kept[_Known]], name: str, path: str, decoder: msgspec.json.Decoder[_Known]
    ) -> _Known:
        known = kept.get(name)
        if known is not None and self.clock() < known.fresh_until:
            return known.answer
        headers = {"if-modified-since": known.modified} if known is not None and known.modified else {}
        reply = await self._calls.send("GET", path, "salesforce_platform.describe", headers=headers)
        if reply.status == _UNCHANGED and known is not None:
            known.fresh_until = self.clock() + self._ttl
            return known.answer
        answer = decoded(decoder, reply)
        kept.pop(name, None)
        if len(kept) >= _MOST:
            del kept[next(iter(kept))]
        kept[name] = _Kept(answer, reply.headers.get("last-modified"), self.clock() + self._ttl)
        return answer
