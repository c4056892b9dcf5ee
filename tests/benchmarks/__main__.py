"""Every measurement, as ratios within one run: `make bench`, or `make bench ARGS="customer-360 wire"`.

Nothing here passes or fails: figures from a shared machine are read, not asserted.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import uvloop
from customer_360.budgets import Budget, budget_table
from customer_360.coalescing import measure_coalescing
from customer_360.comparison import compare
from customer_360.policies import measure_policies, price_table
from customer_360.start import measure_start
from durable.comparison import measure_durable
from rich.console import Console

FOLDER = Path(__file__).parent


def main() -> None:
    """Run what was asked for, or everything, and end with the budgets."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of: {', '.join(PARTS)} (all by default)")
    wanted = parser.parse_args().parts
    if unknown := set(wanted) - PARTS.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    budgets: list[Budget] = []
    for name in wanted or PARTS:
        title, run = PARTS[name]
        console.rule(f"[bold]{name}[/] · {title}", align="left")
        began = time.perf_counter()
        budgets += run(console)
        console.print(f"[dim]{time.perf_counter() - began:.0f} s[/]\n")
    if budgets:
        console.print(budget_table(budgets))


def _customer_360(console: Console) -> list[Budget]:
    return uvloop.run(compare(console))


def _coalescing(console: Console) -> list[Budget]:
    uvloop.run(measure_coalescing(console))
    return []


def _policies(console: Console) -> list[Budget]:
    prices, budgets = uvloop.run(measure_policies())
    console.print(price_table(prices))
    return budgets


def _start(console: Console) -> list[Budget]:
    return uvloop.run(measure_start(console))


def _script(name: str, *arguments: str) -> Callable[[Console], list[Budget]]:
    """A measurement that is a script of its own and prints its figures itself."""

    def run(_console: Console) -> list[Budget]:
        status = subprocess.run([sys.executable, str(FOLDER / name), *arguments], check=False).returncode
        if status:
            sys.stdout.write(f"  (ended with status {status})\n")
        return []

    return run


PARTS: dict[str, tuple[str, Callable[[Console], list[Budget]]]] = {
    "customer-360": ("three backend calls merged, against FastAPI and fastify", _customer_360),
    "coalescing": ("readers of Salesforce at once, each with calls of its own and together", _coalescing),
    "policies": ("what each policy and an in-process hop cost", _policies),
    "start": ("the whole suite from nothing to its first answer", _start),
    "wire": ("CPU of each wire engine, and of the outbound policies", _script("bench_wire.py", "400")),
    "limits": ("rate-limit decisions, alone and by several processes", _script("bench_rate_limit.py")),
    "quota": ("spending from a backend's allowance, hearing of it, forecasting", _script("bench_quota.py")),
    "telemetry": ("spans, metrics, log lines", _script("bench_telemetry.py")),
    "poison": ("what poisonous flows cost their neighbours", _script("bench_poison.py")),
    "bulk": ("many records upserted and read back, beside simple-salesforce", _script("bench_bulk.py")),
    "durable": ("four-step flows through the journal, beside DBOS; takeover; first commit", measure_durable),
}

if __name__ == "__main__":
    main()
