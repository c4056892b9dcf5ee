"""`triptych new`: begin an API with files that are served at once and edit no list."""

# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
# rich-click leaves type parameters of its decorators open
# ruff: noqa: PLC0415

from collections.abc import Iterable
from pathlib import Path

import rich_click as click


def register(cli: click.Group) -> None:
    """Add the commands to the `triptych` command."""
    cli.add_command(new)


@click.group()
def new() -> None:
    """Begin a new API."""


@new.command("process")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
def new_process(name: str, dry_run: bool) -> None:
    """Begin a Process API: a contract, a durable flow, its service and its test.

    NAME is in kebab case, such as returns-desk. Nothing that is there is changed, but for generated files.
    """
    from shared.host.api import installed_apis
    from shared.host.project import project_folder
    from shared.host.scaffold import checked_name, generate_for, process_files, write_files

    project = project_folder()
    checked = checked_name(name, installed_apis())
    files = process_files(checked, project)
    if dry_run:
        _tell(f"{checked.title} would begin with {len(files)} files:", files)
        click.echo("  and deploy/call_graph.md and deploy/openapi would be generated anew")
        return
    write_files(files)
    generated = generate_for(checked, project)
    _tell(f"{checked.title} begins with {len(files)} files:", files)
    _tell(f"Generated anew, {len(generated)} files:", generated)
    flow, test = (next(path for path in files if path.stem == stem) for stem in ("flow", f"test_{checked.snake}"))
    click.echo(f"Next: write its steps in {flow}; what is missing is said by\n  python -m pytest {test.parent}")
    if not generated:
        click.echo("Then, with this project's packages installed: triptych check --write")
    click.echo(
        "It is served as it is. With `triptych up` running:\n"
        f'  curl -H "Authorization: Bearer $(triptych token --api {checked.snake})" \\\n'
        "       -H 'Content-Type: application/json' -d '{\"reference\": \"A1\"}' \\\n"
        f"       http://127.0.0.1:8080/process/{checked.kebab}/v1/cases"
    )


def _tell(title: str, paths: Iterable[Path]) -> None:
    if found := list(paths):
        click.echo("\n".join([title, *(f"  {path}" for path in found)]))
