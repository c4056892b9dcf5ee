"""`triptych prove quote-to-order`: workers killed at every boundary; `PROVE_KILLS` asks for more of them.

With `tests/shared/durable/test_kill.py`, which kills the engine's workers alone, 10,000 SIGKILLs in each run.
"""

import asyncio
import json
import os
import sys
from typing import Any

import asyncpg
import pytest
from postgres_server import PASSWORD, PostgresServer, is_available

KILLS = {"sqlite": 600, "postgres": 300}
MORE = int(os.environ.get("PROVE_KILLS", "0"))
BACKENDS = {"easypost", "salesforce", "sap", "warehouse"}
on_postgres = pytest.param("postgres", marks=pytest.mark.skipif(not is_available(), reason="no PostgreSQL here"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + MORE)]


async def prove(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.host", "prove", "quote-to-order", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def found(*arguments: str) -> tuple[int, dict[str, Any]]:
    status, out, err = await prove("--json", *arguments)
    assert out, err
    return status, json.loads(out)


@pytest.mark.parametrize("journal", ["sqlite", on_postgres])
async def test_killed_at_every_boundary_no_order_is_lost_doubled_or_half_done_and_no_call_made_in_vain(
    journal: str,
) -> None:
    kills = max(KILLS[journal], MORE)
    seed = ("--seed", "7") if journal == "postgres" else ()
    status, findings = await found("--journal", journal, "--kills", str(kills), "--lanes", "2", *seed)
    assert (status, findings["wrong"]) == (0, []), findings["seed"]
    assert findings["kills"] >= kills
    assert findings["seed"] == 7 or not seed
    assert set(findings["books"]) == BACKENDS
    for name, book in findings["books"].items():
        assert book["effects"] > 0, name
        assert book["lost"] == book["doubled"] == book["half_done"] == 0, name
    assert findings["orders"]["cancelled"] > 0
    visited = {name: findings["boundaries"][name] for names in findings["routes"].values() for name in names}
    assert findings["floor"] == kills // len(visited)
    assert min(visited.values()) >= findings["floor"]
    assert {"placed", "refused", "cancelled"} == findings["routes"].keys()
    assert len(visited) > 50
    assert findings["frozen"] >= kills // 40
    calls = findings["calls"]
    assert {"erp.create_order", "warehouse.reserve", "logistics.purchase_label", "crm.record_order"} <= calls.keys()
    for operation, tally in calls.items():
        assert tally["predicted"] == tally["made"], operation
    assert calls["crm.record_order"]["made"] >= findings["orders"]["completed"]


@pytest.mark.parametrize(
    ("bug", "sentence"),
    [
        ("fence", "writes were accepted from workers that had lost their order"),
        ("attempt", "One poisonous order could end 9 workers; 5 are allowed."),
    ],
)
async def test_a_planted_bug_fails_the_proof_with_a_sentence(bug: str, sentence: str) -> None:
    kills = {"fence": 150}.get(bug, 15)  # the others that can be planted, test_kill.py finds at a tenth of the price
    arguments = ("--kills", str(kills), "--planted-bug", bug, "--lanes", "1", "--seed", "3")
    status, out, err = await prove(*arguments)
    assert status == 1, out
    assert sentence in err, err


@pytest.mark.skipif(not is_available(), reason="no PostgreSQL here")
async def test_a_server_that_is_named_gets_its_databases_back_as_they_were() -> None:
    server = PostgresServer.create("fsync=off")
    server.start()
    try:
        place = ("--journal-url", server.url(), "--journal-password", f"file:{server.password_file}")
        status, findings = await found("--journal", "postgres", *place, "--kills", "10", "--lanes", "1")
        connection = await asyncpg.connect(server.url(), password=PASSWORD)
        databases = [row[0] for row in await connection.fetch("SELECT datname FROM pg_database")]
        tables = await connection.fetch("SELECT FROM pg_namespace WHERE nspname = 'triptych'")
        await connection.close()
    finally:
        server.remove()
    assert (status, findings["kills"]) == (0, 10), findings
    assert sorted(databases) == ["postgres", "template0", "template1"]
    assert not tables


async def test_without_postgresql_the_proof_says_what_to_do_in_one_line() -> None:
    status, _, err = await prove("--journal", "postgres", "--journal-url", "postgresql://nobody@127.0.0.1:1/none")
    assert status == 2
    assert len(err.strip().splitlines()) == 1
    assert "check --journal-url" in err
