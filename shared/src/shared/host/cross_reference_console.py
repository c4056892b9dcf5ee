"""Cross-references for a person at a terminal, over their own API."""

from urllib.parse import quote

from rich.markup import escape
from rich.table import Table

from shared.binding.declare import Page
from shared.binding.problems import NotFound
from shared.contracts.canonical.identity import Identity, IdentityRecord
from shared.contracts.system.cross_references import CrossReferences
from shared.host.operator_tables import table
from shared.host.operators import OperatorConsole


class CrossReferenceConsole(OperatorConsole):
    """Commands about keys; each returns an exit status."""

    asked = CrossReferences

    async def show(self, called: str, kind: str | None) -> int:
        """Print everything that is called so in any system, with what was done to its keys."""
        page = await self._page(called, kind, 50)
        found = [(one.kind, one.canonical_id) for one in page.items]
        if not found and kind is not None:
            found = [(kind, called)]  # its keys may all have been removed
        if not found:
            raise NotFound(f"Nothing is called {called} in any system; with --kind also what was removed is looked at.")
        for each_kind, canonical_id in found:
            self._tell(await self._record(each_kind, canonical_id))
        return 0

    async def list_all(self, kind: str | None, limit: int) -> int:
        """Print things with their keys."""
        page = await self._page(None, kind, limit)
        listed = table("canonical id", "kind", "keys")
        for one in page.items:
            keys = "  ".join(f"{system}={key}" for system, key in one.keys.items())
            listed.add_row(escape(one.canonical_id), one.kind, escape(keys))
        self._out.print(listed if page.items else "There are none.")
        if page.next_cursor is not None:
            self._out.print("[dim]There are more; raise --limit, name a --kind, or show what you look for.[/]")
        return 0

    async def correct(self, kind: str, canonical_id: str, system: str, key: str | None, reason: str, yes: bool) -> int:
        """Show what stands, ask, and put the key, or none, in its place."""
        try:
            stands = (await self._record(kind, canonical_id)).keys.get(system)
        except NotFound:
            stands = None
        self._out.print(
            f"{escape(canonical_id)} in {system}: {escape(stands or 'nothing')} → {escape(key or 'nothing')}"
        )
        if not self._agreed("Correct it?", yes):
            return 1
        body = {name: text for name, text in (("reason", reason), ("stands", stands), ("key", key)) if text is not None}
        path = f"{_path(kind, canonical_id)}/keys/{quote(system, safe='')}/correction"
        self._tell(await self._ask("POST", path, IdentityRecord, body))
        return 0

    async def _page(self, called: str | None, kind: str | None, limit: int) -> Page[Identity]:
        query = {"called": called, "kind": kind, "limit": str(limit)}
        given = {name: text for name, text in query.items() if text is not None}
        return await self._ask("GET", "/identities", Page[Identity], query=given)

    async def _record(self, kind: str, canonical_id: str) -> IdentityRecord:
        return await self._ask("GET", _path(kind, canonical_id), IdentityRecord)

    def _tell(self, known: IdentityRecord) -> None:
        self._out.print(f"\n{known.kind} [bold]{escape(known.canonical_id)}[/]")
        keys = Table.grid(padding=(0, 2))
        for system, key in known.keys.items():
            keys.add_row(f"[dim]{system}[/]", escape(key))
        self._out.print(keys if known.keys else "No key is noted.")
        for one in known.changes:
            at = f"{one.at.astimezone():%Y-%m-%d %H:%M:%S}"
            what = f"{one.system}: {one.was} → {one.key or 'nothing'}" if one.was else f"{one.system}: {one.key}"
            why = f": {one.reason}" if one.reason else ""
            whose = f" for {one.correlation_id}" if one.correlation_id else ""
            self._out.print(f"[dim]{at}[/] {one.act} {escape(what)} by {escape(one.by + whose + why)}")


def _path(kind: str, canonical_id: str) -> str:
    return f"/identities/{kind}/{quote(canonical_id, safe='')}"
