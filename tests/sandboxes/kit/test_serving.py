import asyncio
import json
import signal
import sys
import time
from pathlib import Path

import httpx
import pytest

from sandboxes.kit import DatabaseSandbox, Sandbox, UnknownSandboxError, discover, serve_sandbox


async def test_state_with_a_path_outlives_the_server(notes: Sandbox, tmp_path: Path) -> None:
    for texts in (["first"], ["first", "second"]):
        async with (
            serve_sandbox(notes, state=tmp_path / "notes.sqlite3") as url,
            httpx.AsyncClient(base_url=url) as c,
        ):
            assert (await c.get("/__sandbox__/ledger")).json() == {"notes": texts}
            await c.post("/notes", json={"text": "second"})


async def test_a_blocking_client_may_call_from_the_tests_own_thread(notes: Sandbox) -> None:
    async with serve_sandbox(notes) as url:
        assert httpx.get(f"{url}/notes/a").status_code == 200  # noqa: ASYNC210 - the point of the thread


async def test_a_deferred_one_is_created_by_its_first_request(notes: Sandbox, tmp_path: Path) -> None:
    file = tmp_path / "notes.sqlite3"
    late = Sandbox(notes.name, notes.create, deferred=True)
    async with serve_sandbox(late, state=file) as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.post("/__sandbox__/reset")).status_code == 204
        assert not file.exists()
        assert (await client.get("/notes/a")).status_code == 200
        assert file.exists()
        assert (await client.get("/__sandbox__/ledger")).json() == {"notes": ["first"]}
        assert (await client.post("/__sandbox__/nothing")).status_code == 404
    async with serve_sandbox(late):
        pass  # never asked, never made, closed all the same


async def test_an_encoded_slash_stays_inside_its_segment(client: httpx.AsyncClient) -> None:
    answer = await client.get("/notes/a%2Fb?q=1&empty=")
    assert (answer.json()["text"], answer.json()["query"]) == ("a/b", {"q": "1", "empty": ""})


async def test_wrong_method_and_wrong_path_are_told_apart(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/notes/a")).json() == {"allowed": ["GET"]}
    assert (await client.get("/nothing")).status_code == 404


async def test_a_failing_create_fails_the_caller() -> None:
    def create(*_: object) -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        async with serve_sandbox(Sandbox("broken", create)):  # type: ignore[arg-type]
            pass


def test_every_folder_that_declares_a_sandbox_is_found() -> None:
    found = discover()
    assert {"easypost", "warehouse"} <= found.keys()
    assert "kit" not in found
    assert isinstance(found["warehouse"], DatabaseSandbox)


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownSandboxError, match=r"No sandbox is called abacus; there are .*easypost"):
        discover(frozenset({"abacus"}))


async def test_a_database_sandbox_is_not_served() -> None:
    with pytest.raises(TypeError, match="call its create"):
        async with serve_sandbox("warehouse"):
            pass


async def test_the_command_lists_urls_once_all_listen_and_ends_on_sigterm(tmp_path: Path) -> None:
    ports = tmp_path / "ports.json"
    begun = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandboxes", "--only", "easypost,warehouse"),
        *("--state", str(tmp_path / "state"), "--ports-file", str(ports)),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        while not ports.exists():
            assert process.returncode is None
            assert time.monotonic() - begun < 60
            await asyncio.sleep(0.01)
        urls = json.loads(ports.read_text())
        assert urls["warehouse"].startswith("sqlite:///")
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"{urls['easypost']}/__sandbox__/ledger")).status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_the_command_refuses_an_unknown_name_in_one_line(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandboxes", "--only", "abacus", "--state", str(tmp_path)),
        stderr=asyncio.subprocess.PIPE,
    )
    _, complaint = await process.communicate()
    assert process.returncode == 1
    assert complaint.decode().startswith("No sandbox is called abacus; there are ")
