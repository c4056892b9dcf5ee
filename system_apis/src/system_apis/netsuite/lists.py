"""What people set up once and records refer to: currencies, subsidiaries, terms of payment."""

import asyncio
import time
from collections.abc import Callable

from shared.binding.problems import BackendFault
from system_apis.netsuite.connector import NetSuiteConnector
from system_apis.netsuite.records import ChoiceRow, Ref

_LIFETIME = 600.0
"""Seconds before they are read again; exchange rates change daily."""
_CURRENCIES = "SELECT id, name, symbol, exchangerate FROM currency ORDER BY id"
_SUBSIDIARIES = "SELECT id, name, externalid FROM subsidiary ORDER BY id"
_TERMS = "SELECT id, name, externalid FROM term ORDER BY id"


class SetUpList:
    """One list, read at first use.

    Args:
        netsuite: Where.
        query: What reads it.
        clock: Monotonic seconds.
    """

    def __init__(self, netsuite: NetSuiteConnector, query: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._netsuite, self._query, self._clock = netsuite, query, clock
        self._rows: list[ChoiceRow] = []
        self._stale_at = 0.0
        self._reading = asyncio.Lock()

    async def rows(self) -> list[ChoiceRow]:
        """All of it."""
        async with self._reading:
            if not self._rows or self._clock() >= self._stale_at:
                self._rows = await self._netsuite.query(self._query, ChoiceRow, "read_list")
                self._stale_at = self._clock() + _LIFETIME
        return self._rows

    async def named(self, code: str) -> ChoiceRow | None:
        """The entry with this external id, else with this internal one."""
        rows = await self.rows()
        return next((one for one in rows if one.externalid == code), None) or next(
            (one for one in rows if str(one.id) == code), None
        )

    async def code(self, ref: Ref | None) -> str:
        """How we call what a record refers to: its external id, else its internal one; empty for nothing."""
        if ref is None or not ref.id:
            return ""
        found = next((one for one in await self.rows() if str(one.id) == ref.id), None)
        return (found.externalid if found else "") or ref.id


class Lists:
    """The lists of one account.

    Args:
        netsuite: Where.
    """

    def __init__(self, netsuite: NetSuiteConnector) -> None:
        self.currencies = SetUpList(netsuite, _CURRENCIES)
        self.subsidiaries = SetUpList(netsuite, _SUBSIDIARIES)
        self.terms = SetUpList(netsuite, _TERMS)

    async def currency(self, key: str | int) -> ChoiceRow:
        """A currency by internal id.

        Raises:
            BackendFault: There is none, or it has no ISO code.
        """
        found = next((one for one in await self.currencies.rows() if str(one.id) == str(key)), None)
        if found is None or len(found.symbol) != 3:  # noqa: PLR2004 - ISO 4217
            raise BackendFault(f"NetSuite uses currency {key}, which has no ISO code there; give it one.")
        return found

    async def currency_of(self, symbol: str) -> ChoiceRow | None:
        """A currency by ISO code; None if the account has none."""
        return next((one for one in await self.currencies.rows() if one.symbol == symbol), None)
