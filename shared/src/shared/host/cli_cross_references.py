"""`triptych cross-references`: what a thing is called in every system, and putting that right by hand."""

# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
# rich-click leaves type parameters of its decorators open
# ruff: noqa: PLC0415

import sys
from typing import Any, get_args

import rich_click as click

from shared.contracts.canonical.identity import EntityKind

_KINDS = click.Choice(get_args(EntityKind))
_KIND = click.option("--kind", default=None, type=_KINDS, help="Only things of this kind.")
_TOKEN = click.option(
    "--token", envvar="TRIPTYCH_TOKEN", default=None, help="Of an operator [default: a development token]."
)


@click.group("cross-references")
def cross_references() -> None:
    """What customers, orders and returns are called in each system, and who noted it."""


@cross_references.command("show")
@click.argument("called")
@_KIND
@_TOKEN
def show(called: str, kind: str | None, token: str | None) -> None:
    """Show everything that is CALLED so: our own id, or the key of any system, such as the ERP's number of an order."""
    _run("show", token, called=called, kind=kind)


@cross_references.command("list")
@_KIND
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200), help="At most so many.")
@_TOKEN
def list_all(kind: str | None, limit: int, token: str | None) -> None:
    """List things with their keys."""
    _run("list_all", token, kind=kind, limit=limit)


@cross_references.command("correct")
@click.argument("kind", type=_KINDS)
@click.argument("canonical_id")
@click.argument("system")
@click.option("--key", default=None, help="What it is called there.")
@click.option("--remove", is_flag=True, help="It is called nothing there.")
@click.option("--reason", required=True, help="Why; goes into the audit trail.")
@click.option("--yes", is_flag=True, help="Do not ask after showing what stands.")
@_TOKEN
def correct(
    kind: str, canonical_id: str, system: str, key: str | None, remove: bool, reason: str, yes: bool, token: str | None
) -> None:
    """Note, correct or remove what CANONICAL_ID is called in SYSTEM.

    For instance: `triptych cross-references correct customer 001… erp --key 10100001 --reason "merged in the ERP"`
    """
    if (key is None) == (not remove):
        raise click.UsageError("Say either --key or --remove.")
    _run("correct", token, kind=kind, canonical_id=canonical_id, system=system, key=key, reason=reason, yes=yes)


def _run(command: str, token: str | None, **arguments: Any) -> None:
    import asyncio

    from shared.host.cross_reference_console import CrossReferenceConsole
    from shared.host.runtime import read_runtime, state_directory

    async def work() -> int:
        async with CrossReferenceConsole(read_runtime(state_directory()), token) as console:
            return await getattr(console, command)(**arguments)

    sys.exit(asyncio.run(work()))
