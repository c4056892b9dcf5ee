"""`triptych flows` and `triptych dead-letters`: what an operator does to durable flows, through their HTTP API."""

# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
# rich-click leaves type parameters of its decorators open
# ruff: noqa: PLC0415

import sys
from pathlib import Path
from typing import Any

import rich_click as click

STATES = (
    "pending", "running", "waiting", "compensating", "completed", "refused", "cancelled", "dead", "discarded",
    "retired",
)  # fmt: skip
_UNITS = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0}
_FOLDER = click.Path(exists=True, file_okay=False)
_TOKEN = click.option(
    "--token", envvar="TRIPTYCH_TOKEN", default=None, help="Of an operator [default: a development token]."
)
_REASON = click.option("--reason", required=True, help="Why; goes into the audit trail.")
_YES = click.option("--yes", is_flag=True, help="Do not ask after the preview.")
_LIMIT = click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200), help="At most so many.")
_KIND = click.option("--kind", default=None, help="Only this flow and version, such as order-quote@1.")
_PATCH = click.option("--patch", default="", help='A JSON merge patch of its request, such as \'{"name": "value"}\'.')


def register(cli: click.Group) -> None:
    """Add the commands to the `triptych` command."""
    cli.add_command(flows)
    cli.add_command(dead_letters)


@click.group()
def flows() -> None:
    """Durable flows: list, look at, cancel and resume them."""


@click.group("dead-letters")
def dead_letters() -> None:
    """Flows that could not finish: look at them, edit their request, resume or discard them."""


@flows.command("list")
@click.option("--state", default=None, type=click.Choice(STATES), help="Only flows in this state.")
@_KIND
@_LIMIT
@_TOKEN
def list_flows(state: str | None, kind: str | None, limit: int, token: str | None) -> None:
    """List flows, newest first."""
    _run("show_list", token, state=state, kind=kind, limit=limit)


@flows.command("show")
@click.argument("flow_id")
@click.option("--archive", default=None, type=_FOLDER, help="Look only into this folder of archive files.")
@_TOKEN
def show_flow(flow_id: str, archive: str | None, token: str | None) -> None:
    """Show FLOW_ID: input, timeline, problem, and what operators did; also one that was archived."""
    if archive is not None:
        from shared.host.archive_console import show_archived
        from shared.host.runtime import state_directory

        sys.exit(show_archived(state_directory(), Path(archive), flow_id))
    _run("show_flow", token, flow_id=flow_id)


@flows.command("archive")
@click.option("--older-than", default=None, metavar="AGE", help="Such as 90d or 36h [default: as the topology says].")
@click.option("--dry-run", is_flag=True, help="Only say how many flows it would be.")
def archive(older_than: str | None, dry_run: bool) -> None:
    """Move flows that ended long ago into the archive, beside normal work. Their keys stay taken."""
    import asyncio

    from shared.host.archive_console import archive_flows
    from shared.host.runtime import read_runtime, state_directory

    runtime = read_runtime(state_directory())
    sys.exit(asyncio.run(archive_flows(runtime, _age(older_than), dry_run=dry_run)))


@flows.command("cancel")
@click.argument("flow_id")
@_REASON
@_TOKEN
def cancel_flow(flow_id: str, reason: str, token: str | None) -> None:
    """Stop FLOW_ID at its next step and undo what it did."""
    _run("act", token, flow_id=flow_id, path=f"/flows/{flow_id}/cancellation", body={"reason": reason})


@flows.command("resume")
@click.argument("flow_id")
@_REASON
@_PATCH
@_YES
@_TOKEN
def resume_flow(flow_id: str, reason: str, patch: str, yes: bool, token: str | None) -> None:
    """Resume FLOW_ID, a dead letter, from its failed step, after a preview of the writes that follow."""
    _run("resume_one", token, flow_id=flow_id, reason=reason, patch=patch, yes=yes)


@flows.command("rotate-key")
def rotate_key() -> None:
    """Seal what is kept from now on with a new key; the old ones still open what they sealed."""
    from shared.host.runtime import NotRunning, state_directory
    from shared.host.sealing import sealing_key_file
    from shared.security.key_ring import rotate_key_file

    path = sealing_key_file(state_directory())
    if not path.exists():
        raise NotRunning(f"There are no keys at {path}; keys named by the topology are rotated where they are kept.")
    click.echo(f"New key {rotate_key_file(path)}; running processes use it within ten seconds.")


@dead_letters.command("list")
@_KIND
@_LIMIT
@_TOKEN
def list_dead(kind: str | None, limit: int, token: str | None) -> None:
    """List the dead letters, newest first."""
    _run("show_list", token, state="dead", kind=kind, limit=limit)


dead_letters.add_command(show_flow)


@dead_letters.command("edit")
@click.argument("flow_id")
@click.option("--patch", required=True, help='A JSON merge patch of its request, such as \'{"name": "value"}\'.')
@_REASON
@_TOKEN
def edit(flow_id: str, patch: str, reason: str, token: str | None) -> None:
    """Change what FLOW_ID was asked for; it stays dead until it is resumed."""
    _run(
        "act", token, flow_id=flow_id, path=f"/dead-letters/{flow_id}/edit", body={"patch": patch, "reason": reason}
    )  # fmt: skip


@dead_letters.command("resume")
@click.argument("flow_id", required=False)
@click.option("--all", "everything", is_flag=True, help="All dead letters, or all of --kind.")
@_KIND
@_REASON
@_PATCH
@_YES
@_TOKEN
def resume(
    flow_id: str | None, everything: bool, kind: str | None, reason: str, patch: str, yes: bool, token: str | None
) -> None:
    """Resume FLOW_ID, or --all of them, after a preview of the backend writes that would follow."""
    if (flow_id is None) == (not everything):
        raise click.UsageError("Name one dead letter, or say --all.")
    if everything and patch:
        raise click.UsageError("A patch is for one dead letter; edit them one by one.")
    if flow_id is None:
        _run("resume_many", token, kind=kind, reason=reason, yes=yes)
    else:
        _run("resume_one", token, flow_id=flow_id, reason=reason, patch=patch, yes=yes)


@dead_letters.command("discard")
@click.argument("flow_id")
@_REASON
@_TOKEN
def discard(flow_id: str, reason: str, token: str | None) -> None:
    """Settle FLOW_ID by hand: nothing more is done, nothing undone."""
    _run("act", token, flow_id=flow_id, path=f"/dead-letters/{flow_id}/discard", body={"reason": reason})


def _age(text: str | None) -> float | None:
    if text is None:
        return None
    number, unit = text[:-1], _UNITS.get(text[-1:])
    if unit is None or not number.isdecimal():
        raise click.UsageError(f"{text!r} is no age; say such as 90d, 36h or 45m.")
    return int(number) * unit


def _run(command: str, token: str | None, **arguments: Any) -> None:
    import asyncio

    from shared.host.operators import OperatorConsole
    from shared.host.runtime import read_runtime, state_directory

    async def work() -> int:
        async with OperatorConsole(read_runtime(state_directory()), token) as console:
            return await getattr(console, command)(**arguments)

    sys.exit(asyncio.run(work()))
