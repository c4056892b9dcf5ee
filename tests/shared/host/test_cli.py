"""The command line where nothing runs: help, lists, and refusals that say what to do, in one line."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from shared.host.api import installed_apis
from shared.host.runtime import own_state
from shared.host.server import free_port

TOPOLOGIES = Path(__file__).parents[3] / "deploy" / "topologies"
COMMANDS = ("up", "serve", "apis", "token", "order", "trace", "check", "sandbox", "new", "quota", "drift")
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def test_help_names_every_command_on_one_line_each(triptych: Any) -> None:
    said = await triptych("--help", COLUMNS="80")
    assert said.status == 0
    for command in COMMANDS:
        assert sum(f" {command} " in line for line in said.out.splitlines()) == 1


async def test_every_command_explains_itself(triptych: Any) -> None:
    answers = await asyncio.gather(*(triptych(command, "--help") for command in COMMANDS if command != "sandbox"))
    assert [(said.status, said.err) for said in answers] == [(0, "")] * len(answers)
    assert all("Usage: triptych" in said.out for said in answers)


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("up", "nope"), "has fused, split, tiered"),
        (("up", "./nowhere.toml"), "There is no topology file nowhere.toml"),
        (("up", "--port", "0"), "Try `triptych up --help`"),
        (("bogus",), "Try `triptych --help`"),
        (("order",), "run `triptych up` first"),
        (("quota",), "run `triptych up` first"),
        (("token",), "run `triptych up` first"),
        (("trace", TRACE), "run `triptych up` first"),
        (("serve", "suite"), "run `triptych up` first"),
    ],
)
async def test_a_refusal_is_one_line_that_says_what_to_do(triptych: Any, arguments: tuple[str, ...], hint: str) -> None:
    said = await triptych(*arguments)
    assert said.status == 2
    assert said.out == ""
    assert said.err.startswith("triptych: ")
    assert said.err.count("\n") == 1
    assert hint in said.err


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("name = ", "is not TOML"),
        ('name = "x"', "missing required field `processes`"),
        ('name = "x"\n[processes.a]\nedgy = true', "edgy"),
        ('name = "x"\n[processes.a]\ntiers = ["system"]', "exactly one process must say `edge = true`"),
    ],
)
async def test_a_broken_topology_is_named_with_what_is_wrong(
    triptych: Any, tmp_path: Path, text: str, hint: str
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    said = await triptych("up", str(file))
    assert said.status == 2
    assert str(file) in said.err
    assert hint in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    ("right", "wrong", "hint"),
    [
        ('audience = "field_sales"', 'audience = "field_slaes"', "'field_slaes' is no API"),
        ('"crm:read"', '"crm:raed"', "no operation asks for crm:raed"),
        ('erp = "sap"', 'erp = "spa"', "'spa' is not installed"),
    ],
)
async def test_a_misspelt_name_in_a_topology_stops_the_start(
    triptych: Any, tmp_path: Path, right: str, wrong: str, hint: str
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text((TOPOLOGIES / "fused.toml").read_text().replace(right, wrong))
    said = await triptych("up", str(file), "--port", str(free_port()))
    assert (said.status, said.out) == (2, "")
    assert hint in said.err
    assert said.err.count("\n") == 1


async def test_a_state_directory_that_cannot_be_written_leads_to_another(triptych: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = await triptych("up", "--port", str(free_port()), "--state", str(tmp_path / "file" / "state"))
    assert said.status == 2
    assert "cannot be used (Not a directory)" in said.err
    assert said.err.count("\n") == 1


async def test_a_state_directory_serves_one_suite_at_a_time(triptych: Any, tmp_path: Path) -> None:
    with own_state(tmp_path):
        said = await triptych("up", "--port", str(free_port()), "--state", str(tmp_path))
    assert said.status == 2
    assert "Another suite runs" in said.err
    with own_state(tmp_path):
        pass


async def test_a_taken_port_leads_to_another(triptych: Any) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = await triptych("up", "--port", str(port))
    assert said.status == 2
    assert f"Port {port}" in said.err
    assert f"PORT={port + 1}" in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("columns", ["80", "200"])
async def test_the_list_of_apis_breaks_no_word_and_fits(triptych: Any, columns: str) -> None:
    said = await triptych("apis", COLUMNS=columns)
    assert said.status == 0
    assert max(map(len, said.out.splitlines())) <= int(columns)
    for api in installed_apis():
        assert api.contract.__name__ in said.out.split()
        assert api.contract.prefix in said.out.split()
    assert ("field-sales:order" in said.text) == (columns == "200")


async def test_the_checks_work_from_any_folder_of_the_project(triptych: Any, tmp_path: Path) -> None:
    (tmp_path / "deploy" / "topologies").mkdir(parents=True)
    below = tmp_path / "docs" / "deep"
    below.mkdir(parents=True)
    assert (await triptych("check", "--write", folder=below)).status == 0
    assert (tmp_path / "deploy" / "openapi" / "field_sales.json").exists()
    assert (await triptych("check", folder=tmp_path / "deploy")).status == 0
    (tmp_path / "deploy" / "call_graph.md").write_text("old")
    said = await triptych("check", folder=below)
    assert said.status == 1
    assert "call_graph.md is out of date; run `triptych check --write`" in said.text


async def test_a_secret_that_somebody_emptied_is_refused_in_one_line(triptych: Any, tmp_path: Path) -> None:
    file = tmp_path / "nothing-here" / "clients" / "crm.secret"
    file.parent.mkdir(parents=True)
    file.touch()
    said = await triptych("up", "fused", "--once")
    assert said.status == 2
    assert said.err.strip().splitlines()[-1].endswith("Remove the file to have a new one made.")
    assert "Traceback" not in said.err
