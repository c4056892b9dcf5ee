"""`triptych quota`: what is left of the backends' allowances, and until when it lasts."""

# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
# rich-click leaves type parameters of its decorators open
# ruff: noqa: PLC0415

import rich_click as click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One line of JSON, a list of budgets.")
def quota(as_json: bool) -> None:
    """Show what is left of the backends' allowances, who spent it, and when it runs out at the present rate.

    Reads the ledger of the running suite, which all its processes share.
    """
    import asyncio

    from shared.host.quota_view import show_quotas
    from shared.host.runtime import read_runtime, state_directory

    asyncio.run(show_quotas(read_runtime(state_directory()), as_json=as_json))
