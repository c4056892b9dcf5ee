"""Budgets: what was promised, what was measured, whether it stands."""

from dataclasses import dataclass

from rich.table import Table


@dataclass(frozen=True)
class Budget:
    """A promise and its measurement; `at_most` when less is better."""

    what: str
    promised: float
    measured: float
    unit: str
    at_most: bool = False

    @property
    def stands(self) -> bool:
        """Whether the measurement keeps the promise."""
        return self.measured <= self.promised if self.at_most else self.measured >= self.promised


def budget_table(budgets: list[Budget]) -> Table:
    """Every budget with its figure."""
    table = Table(title="Budgets", title_justify="left", header_style="bold")
    table.add_column("what")
    table.add_column("promised", justify="right")
    table.add_column("measured", justify="right")
    table.add_column("stands")
    for budget in budgets:
        sign = "≤" if budget.at_most else "≥"
        stands = "[green]yes[/]" if budget.stands else "[red]no[/]"
        table.add_row(
            budget.what,
            f"{sign} {_plain(budget.promised)} {budget.unit}",
            f"{_plain(budget.measured)} {budget.unit}",
            stands,
        )
    return table


def _plain(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.3g}"
