"""Where flows are kept: a file unless the topology names a database, whose password is never written down there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from postgres_server import PASSWORD, PostgresServer

from sandboxes.company import company
from shared.durable.journal_retention import FOREVER, Ages
from shared.durable.postgres.journal import PostgresJournal
from shared.durable.sqlite.journal import SqliteJournal
from shared.host.api import installed_apis
from shared.host.development import issue_documentation_token
from shared.host.flow_journal import age_of_events, ages_of, archive_of, journal_of
from shared.host.server import free_port
from shared.host.supervisor import running_topology
from shared.host.topology import Retention, TopologyRefused, load_topology
from shared.security.issuer import Issuer
from shared.security.signing_keys import SigningKeys

FUSED = Path(__file__).parents[3] / "deploy" / "topologies" / "fused.toml"


def topology(**settings: Any) -> Any:
    return msgspec.structs.replace(load_topology(FUSED), **settings)


def test_a_topology_that_names_nothing_keeps_flows_in_a_file(tmp_path: Path) -> None:
    assert isinstance(journal_of(topology(), tmp_path / "journal.db"), SqliteJournal)


def test_a_database_needs_no_file_and_no_connection_to_be_named(tmp_path: Path) -> None:
    named = topology(journal="postgresql://flows@db1,db2:5433/triptych")
    assert isinstance(journal_of(named, tmp_path / "journal.db"), PostgresJournal)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"journal": "mysql://u@h/d"}, "journal must be postgresql://"),
        ({"journal": "postgresql://u:hunter2@h/d"}, "give a reference to it"),
        ({"journal": "postgresql://u@h/d", "journal_password": "hunter2"}, "references to secrets"),
        ({"journal": "postgresql://u@h/d", "journal_password": "file:/nowhere/at/all"}, "cannot be read"),
    ],
)
def test_a_journal_that_cannot_be_used_is_refused_with_a_sentence(
    tmp_path: Path, settings: dict[str, str], sentence: str
) -> None:
    with pytest.raises(TopologyRefused, match=sentence) as refused:
        journal_of(topology(**settings), tmp_path / "journal.db")
    assert "hunter2" not in str(refused.value)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    server = PostgresServer.create("fsync=off")
    server.start()
    yield server
    server.remove()


async def test_a_suite_keeps_its_orders_in_the_database_its_topology_names(
    server: PostgresServer, tmp_path: Path
) -> None:
    path = tmp_path / "in-postgresql.toml"
    setting = f'journal = {json.dumps(server.url())}\njournal_password = "file:{server.password_file}"\n'
    path.write_text(setting + FUSED.read_text())
    quote = company().quotes_for("plain")[0].salesforce_id
    async with running_topology(path, load_topology(path), tmp_path / "state", free_port()) as runtime:
        issuer = Issuer(runtime.issuer, SigningKeys(Path(runtime.state) / "issuer"))
        token = issue_documentation_token(issuer, installed_apis(), "field_sales")
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {token}", "prefer": "wait=25"}) as phone:
            edge = f"{next(iter(runtime.processes.values()))}/experience/field-sales/v1"
            answer = await phone.post(f"{edge}/orders", json={"quoteId": quote}, timeout=60)
        assert answer.status_code == 201, answer.text
    connection = await asyncpg.connect(server.url(), password=PASSWORD)
    states = await connection.fetch("SELECT state FROM triptych.flow WHERE flow_id = $1", f"order-{quote}")
    await connection.close()
    assert [state for (state,) in states] == ["completed"]
    assert not list((tmp_path / "state").rglob("journal*.db"))


def test_flows_stay_ninety_days_unless_the_topology_says_otherwise(tmp_path: Path) -> None:
    day = 86_400.0
    assert ages_of(topology()) == Ages(90 * day, {})
    named = topology(retention=Retention(days=0, kinds={"follow-order": 30}, archive="{state}/old"))
    assert ages_of(named) == Ages(FOREVER, {"follow-order": 30 * day})
    assert ages_of(named, day) == Ages(day, {"follow-order": 30 * day})
    assert archive_of(named, tmp_path).path == tmp_path.resolve() / "old"
    assert archive_of(topology(), tmp_path).path == tmp_path.resolve() / "archive"
    assert (age_of_events(topology()), age_of_events(topology(retention=Retention(events=1)))) == (7 * day, day)


def test_an_age_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(FUSED.read_text() + "\n[retention]\ndays = -1\n")
    with pytest.raises(TopologyRefused, match=r"retention\.days"):
        load_topology(path)
    path.write_text(FUSED.read_text() + "\n[retention]\nevents = 0\n")
    with pytest.raises(TopologyRefused, match=r"retention\.events"):
        load_topology(path)
