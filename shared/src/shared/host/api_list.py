"""The installed APIs as a list for a terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from shared.host.api import Api
from shared.host.call_graph import calls

_WIDE = 130
_TIERS = {"experience": "magenta", "process": "cyan", "system": "green"}


def print_apis(apis: Sequence[Api]) -> None:
    """Print them by tier, edge first; scopes only where there is room, and never a word in two."""
    console = Console(highlight=False)
    wide = console.width >= _WIDE
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    for column in ("API", "path"):
        table.add_column(column, no_wrap=True)
    table.add_column("operations" if wide else "ops", justify="right", no_wrap=True)
    for column in ("calls", *(["scopes"] if wide else [])):
        table.add_column(column)
    for tier, color in _TIERS.items():
        for api in (each for each in apis if each.tier == tier):
            callees = ", ".join(sorted(callee.__name__ for callee in calls(api))) or api.vendor
            scopes = [", ".join(sorted(api.contract.scopes()))] if wide else []
            name = f"[{color}]{api.contract.__name__}[/]"
            table.add_row(name, api.contract.prefix, str(len(api.contract.operations)), callees, *scopes)
    console.print(table)
