"""An in-process call and an HTTP call of the same operation cannot be told apart."""

from decimal import Decimal

import msgspec
import pytest

from shared.binding.call_context import CallContext, calling
from shared.binding.client import http_client
from shared.binding.inline import inline_client
from shared.binding.problems import Problem
from shared.resilience.wire_default import open_wire


@pytest.fixture
async def placements(world):
    import importlib

    library = type(world.library).__mro__[1]
    wire = open_wire()
    scopes = {"current": ()}

    async def token(_context, operation):
        from shared.security.authorisation import require_scope

        require_scope(world.principal(*scopes["current"]), operation.scope)
        return world.token(*scopes["current"])

    yield (
        {
            "inline": inline_client(
                library, world.library, world.inbound, lambda _: world.principal(*scopes["current"])
            ),
            "http": http_client(library, world.url, wire, token),
        },
        scopes,
        importlib.import_module(type(world.library).__module__),
    )
    await wire.aclose()


CALLS = {
    "a read": ("get_book", ("1",)),
    "a page": ("list_books", (["a", "b"], None, 3)),
    "an unknown book": ("get_book", ("99",)),
    "an id with a slash": ("get_book", ("a/b",)),
    "an id of the wrong type": ("get_book", (5,)),
    "an empty id": ("get_book", ("",)),
    "a page size out of bounds": ("list_books", (None, None, 1000)),
    "a cursor that is none": ("list_books", (None, "gaFhAQ", 2)),
    "a removal": ("remove", ("4",)),
    "a defect": ("break_down", ()),
    "a lie": ("lie", ()),
    "an answer that never comes": ("wait_for_ever", ()),
}


async def outcome(client, name, arguments):
    try:
        result = await getattr(client, name)(*arguments)
    except Problem as problem:
        details = problem.details()
        return (type(problem).__name__, details.type, details.status, details.errors, details.detail)
    return msgspec.json.encode(result)


@pytest.mark.parametrize("call", CALLS)
async def test_both_placements_answer_alike(placements, call: str) -> None:
    clients, _, _ = placements
    with calling(CallContext()):
        answers = {place: await outcome(client, *CALLS[call]) for place, client in clients.items()}
    assert answers["inline"] == answers["http"]


@pytest.mark.parametrize("arguments", [("1", "Ada", "t"), ("13", "Ada", "t"), ("1", "", "t"), ("1", "Ada", "x" * 99)])
async def test_bodies_are_refused_alike(placements, arguments) -> None:
    clients, _, shelf = placements
    isbn, reader, title = arguments
    loan = shelf.Loan(reader, [shelf.Book("7", title, Decimal("1.10"))])
    with calling(CallContext()):
        answers = {place: await outcome(client, "lend", (isbn, loan)) for place, client in clients.items()}
    assert answers["inline"] == answers["http"]


async def test_a_missing_scope_comes_before_a_wrong_argument_in_both(placements) -> None:
    clients, scopes, _ = placements
    scopes["current"] = ("library:write",)
    with calling(CallContext()):
        answers = {place: await outcome(client, "get_book", ("a/b",)) for place, client in clients.items()}
    assert answers["inline"] == answers["http"]
    assert answers["inline"][0] == "MissingScope"


async def test_an_in_process_result_is_a_copy(placements, world) -> None:
    clients, _, shelf = placements
    world.library.books["8"] = shelf.Book("8", "Eight", tags=["one"])
    with calling(CallContext()):
        first = await clients["inline"].get_book("8")
        first.tags.append("two")
        assert (await clients["inline"].get_book("8")).tags == ["one"]


async def test_a_problem_crosses_without_its_traceback(placements) -> None:
    clients, _, _ = placements
    with calling(CallContext()), pytest.raises(Problem) as caught:
        await clients["inline"].get_book("99")
    assert caught.value.__cause__ is None
    assert all("conftest" not in str(entry.path) for entry in caught.traceback)
