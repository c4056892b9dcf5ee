"""`triptych events`: what happened, as it happens, and who is how far behind."""

# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
# rich-click leaves type parameters of its decorators open
# ruff: noqa: PLC0415

import sys

import rich_click as click


@click.command()
@click.option("--type", "types", multiple=True, help="Only events of this type, such as order-placed; repeatable.")
@click.option("--after", default=None, help="Go on after this cursor, which the command printed when it ended.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200), help="At most so many.")
@click.option("--follow", is_flag=True, help="Print what happens from now on, or from --after on, until Ctrl-C.")
@click.option("--consumers", is_flag=True, help="Print how far behind each consumer is, instead.")
@click.option("--forget", default=None, metavar="CONSUMER", help="Keep events no longer for one that is gone, instead.")
@click.option("--token", envvar="TRIPTYCH_TOKEN", default=None, help="Of an operator [default: a development token].")
def events(
    types: tuple[str, ...],
    after: str | None,
    limit: int,
    follow: bool,
    consumers: bool,
    forget: str | None,
    token: str | None,
) -> None:
    """Print the events that flows published, oldest first: one line each, the payload as JSON."""
    import asyncio

    from shared.host.event_console import EventConsole
    from shared.host.runtime import read_runtime, state_directory

    async def work() -> int:
        async with EventConsole(read_runtime(state_directory()), token) as console:
            if forget:
                return await console.forget(forget)
            if consumers:
                return await console.show_consumers()
            if follow:
                return await console.follow(types, after)
            return await console.show_events(types, after, limit)

    sys.exit(asyncio.run(work()))
