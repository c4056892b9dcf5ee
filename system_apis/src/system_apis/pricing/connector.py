"""The pricing service: where it is, who we are there, its paths, and what is kept of its answers."""

from typing import TypeVar
from urllib.parse import quote, urlencode

from shared.binding.problems import BackendFault
from shared.resilience.outbound import BackendSettings, Outbound
from shared.resilience.outbound_faults import decode_json
from shared.resilience.wire import WireReply
from shared.security.secrets import Secret
from system_apis.pricing.freshness import AnswerCache
from system_apis.pricing.records import AgreementsRecord, PricesRecord, RefusalRecord
from system_apis.pricing.translator import NAME, NOT_MODIFIED, problem_of_reply

_T = TypeVar("_T")
_OK = 200


class PricingSettings(BackendSettings, frozen=True, kw_only=True):
    """`[backends.pricing]` of a topology; what every backend has, and:

    Attributes:
        api_key: Reference to the key, sent as `X-API-Key`.
        max_kept: Answers kept at most, each for as long as the service allows; 0 to ask each time.
    """  # noqa: D415 - a heading that the list completes

    api_key: Secret
    max_kept: int = 1000


class PricingConnector:
    """The pricing service. A 404 or 422 is an answer, `RefusalRecord`; all else that fails is a problem.

    Args:
        settings: `[backends.pricing]`.
        outbound: Makes the backend with its policies.
    """

    def __init__(self, settings: PricingSettings, outbound: Outbound) -> None:
        self._api_key = settings.api_key
        self._backend = outbound.backend(NAME, settings, credentials=None, classify=problem_of_reply)
        self._cache = AnswerCache[PricesRecord](settings.max_kept)

    async def prices(self, query: list[tuple[str, str]]) -> PricesRecord | RefusalRecord:
        """What lines cost; an answer that is kept and fresh is not asked for again."""
        path = f"/v1/prices?{urlencode(query, quote_via=quote)}"
        kept = self._cache.find(path)
        if kept is not None and self._cache.is_fresh(kept):
            return kept.answer
        asked, etag = self._cache.now(), kept.etag if kept is not None else ""
        reply = await self._get(path, "price_lines", etag)
        if reply.status == NOT_MODIFIED:
            if kept is None or not etag:
                raise BackendFault("pricing says that nothing changed to a question about all; look at its cache.")
            found = kept.answer
        else:
            found = _answer(reply, PricesRecord)
        if isinstance(found, PricesRecord):
            self._cache.keep(path, found, reply, asked, etag)
        return found

    async def agreements(self, customer: str) -> AgreementsRecord | RefusalRecord:
        """The agreements of a customer, never from memory."""
        return _answer(
            await self._get(f"/v1/customers/{quote(customer, safe='')}/agreements", "get_agreements"), AgreementsRecord
        )

    async def _get(self, path: str, operation: str, etag: str = "") -> WireReply:
        headers = {"accept": "application/json", "x-api-key": self._api_key.reveal()}
        if etag:
            headers["if-none-match"] = etag
        return await self._backend.send("GET", path, headers=headers, operation=operation)


def _answer(reply: WireReply, kind: type[_T]) -> _T | RefusalRecord:
    if reply.status == _OK:
        return decode_json(reply, kind, backend=NAME)
    return decode_json(reply, RefusalRecord, backend=NAME)
