"""A declaration that could not be served honestly does not import, and says what to do instead."""

import textwrap

import pytest

from shared.binding.declare import Contract, get
from shared.binding.problems import Invalid

PRELUDE = """
from typing import Annotated, Any
import msgspec
from shared.binding.declare import Contract, get, post, webhook
from shared.binding.problems import NotFound
from shared.binding.signed_message import SignedMessage

class Thing(msgspec.Struct, frozen=True):
    '''A thing.'''
    name: str

class Other(msgspec.Struct, frozen=True):
    '''Another thing.'''
    name: str
"""
ILLEGAL = {
    "no tier": (
        """
        class Bad(Contract, version="v1"):
            '''Doc.'''
        """,
        "Bad: say its tier",
    ),
    "no version": (
        """
        class Bad(Contract, tier="system", version="1.0"):
            '''Doc.'''
        """,
        'say its version: class Bad(Contract, …, version="v1")',
    ),
    "no contract docstring": (
        """
        class Bad(Contract, tier="system", version="v1"):
            @get("/things", scope="things:read")
            async def list_things(self) -> Thing:
                '''List.'''
        """,
        "Bad has no docstring; its first sentence is what the API catalog shows",
    ),
    "no operation": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
        """,
        "Bad declares no operation",
    ),
    "a bare document that has two places to go": (
        """
        class Pair(msgspec.Struct, frozen=True):
            '''Two texts.'''
            one: str
            two: str
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @post("/pairs", scope="things:write", text_types=("text/xml",))
            async def take(self, pair: Pair) -> Thing:
                '''Take.'''
        """,
        "Bad.take takes bare text, so its body is a Struct with one field",
    ),
    "a webhook that takes a document of ours": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @webhook("/webhooks", scope="things:receive")
            async def take(self, thing: Thing) -> Thing:
                '''Take.'''
        """,
        "Bad.take is a webhook, so it takes one SignedMessage and nothing else",
    ),
    "a webhook with a parameter in its path": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @webhook("/webhooks/{name}", scope="things:receive")
            async def take(self, name: str, message: SignedMessage) -> Thing:
                '''Take.'''
        """,
        "Bad.take is a webhook, so it takes one SignedMessage and nothing else",
    ),
    "a signed message where a token opens": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @post("/things", scope="things:write")
            async def take(self, message: SignedMessage) -> Thing:
                '''Take.'''
        """,
        "Bad.take takes a SignedMessage, which only a webhook is given",
    ),
    "an unmarked method": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            async def list_things(self) -> Thing:
                '''List.'''
        """,
        "Bad.list_things has no route; mark it with @get",
    ),
    "no scope": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @get("/things", scope="")
            async def list_things(self) -> Thing:
                '''List.'''
        """,
        "Bad.list_things needs a scope such as 'crm:read' (got ''); an operation without one does not start",
    ),
    "a synchronous method": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @get("/things", scope="things:read")
            def list_things(self) -> Thing:
                '''List.'''
        """,
        "Bad.list_things is not async",
    ),
    "no docstring": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @get("/things", scope="things:read")
            async def list_things(self) -> Thing: ...
        """,
        "Bad.list_things has no docstring",
    ),
    "an unknown path parameter": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @get("/things/{thing_id}", scope="things:read")
            async def get_thing(self, other_id: str) -> Thing:
                '''Get.'''
        """,
        "the path names {thing_id}, which is no parameter of the method",
    ),
    "a path without a slash": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @get("things", scope="things:read")
            async def list_things(self) -> Thing:
                '''List.'''
        """,
        "the path 'things' must start with '/'",
    ),
    "an untyped parameter": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @get("/things/{thing_id}", scope="things:read")
            async def get_thing(self, thing_id) -> Thing:
                '''Get.'''
        """,
        "thing_id has no type; annotate it",
    ),
    "no result type": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @get("/things", scope="things:read")
            async def list_things(self):
                '''List.'''
        """,
        "does not say what it returns",
    ),
    "a mutable Struct": (
        """
        class Loose(msgspec.Struct):
            '''Loose.'''
            name: str

        class Wrapper(msgspec.Struct, frozen=True):
            '''Wrapper.'''
            items: list[Loose]

        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @get("/things", scope="things:read")
            async def list_things(self) -> Wrapper:
                '''List.'''
        """,
        "Loose is mutable, so one caller could change what another sees; declare it with frozen=True",
    ),
    "a Struct without docstring": (
        """
        class Silent(msgspec.Struct, frozen=True):
            name: str

        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @get("/things", scope="things:read")
            async def list_things(self) -> Silent:
                '''List.'''
        """,
        "Silent has no docstring",
    ),
    "a result that promises nothing": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @get("/things", scope="things:read")
            async def list_things(self) -> dict[str, Any]:
                '''List.'''
        """,
        "promises nothing; name a Struct or a typed mapping",
    ),
    "a GET with a body": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @get("/things", scope="things:read")
            async def list_things(self, question: Thing) -> Thing:
                '''List.'''
        """,
        "a GET has no body; make question query parameters or use @post",
    ),
    "two bodies": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @post("/things", scope="things:write")
            async def make_thing(self, thing: Thing, other: Other) -> Thing:
                '''Make.'''
        """,
        "takes two bodies (thing, other); put them into one Struct",
    ),
    "two operations on one path": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @get("/things/{a}", scope="things:read")
            async def one(self, a: str) -> Thing:
                '''One.'''
            @get("/things/{b}", scope="things:read")
            async def two(self, b: str) -> Thing:
                '''Two.'''
        """,
        "Bad.two and .one share GET /things/{b}",
    ),
    "raises that is no problem": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @get("/things", scope="things:read", raises=[ValueError])
            async def list_things(self) -> Thing:
                '''List.'''
        """,
        "is not a Problem; subclass one of shared.binding.problems",
    ),
    "long work without a state": (
        """
        class Bad(Contract, tier="system", version="v1"):
            '''Doc.'''
            @post("/things", scope="things:write", long_running="/things/{thing_id}")
            async def make_thing(self, thing: Thing) -> Thing:
                '''Make.'''
        """,
        "is long-running, so its result must have state, thing_id",
    ),
    "a problem type used twice": (
        """
        class Unauthenticated(NotFound):
            '''Taken.'''
        """,
        "share the problem type 'unauthenticated'; give one of them another name",
    ),
}


@pytest.mark.parametrize("declaration", ILLEGAL)
def test_an_illegal_declaration_does_not_import_and_says_what_to_do(declaration: str) -> None:
    source, sentence = ILLEGAL[declaration]
    namespace: dict[str, object] = {"__name__": "planted"}
    with pytest.raises(TypeError) as refused:
        exec(PRELUDE + textwrap.dedent(source), namespace)
    assert sentence in str(refused.value)


def test_a_legal_declaration_knows_its_path_scope_and_audience() -> None:
    namespace: dict[str, object] = {"__name__": "planted"}
    source = """
    class FineThings(Contract, tier="process", version="v2"):
        '''Fine.'''
        @get("/things/{thing_id}", scope="fine-things:read")
        async def get_thing(self, thing_id: str, page_size: int = 5) -> Thing:
            '''Get.

            Args:
                thing_id: Which one.
            '''
    """
    exec(PRELUDE + textwrap.dedent(source), namespace)
    contract = namespace["FineThings"]
    operation = contract.operations["get_thing"]
    assert operation.path == "/process/fine-things/v2/things/{thingId}"
    assert operation.qualified_name == "fine_things.get_thing"
    assert contract.audience == "urn:triptych:process:fine-things"
    assert contract.scopes() == {"fine-things:read"}
    assert [p.wire_name for p in operation.parameters] == ["thingId", "pageSize"]
    assert operation.parameters[0].description == "Which one."


def test_a_query_parameter_that_is_missing_or_wrong_is_named_as_one() -> None:
    class Shelves(Contract, tier="system", version="v1"):
        """Shelves."""

        @get("/shelves/{shelf}", scope="shelves:read")
        async def list_books(self, shelf: int, room_name: str, limit: int = 5) -> list[str]:
            """List books."""
            ...

    operation = Shelves.operations["list_books"]
    for path, query, said, parameter in (
        ({"shelf": "1"}, [], "It is required; send it (query parameter roomName).", "roomName"),
        ({"shelf": "1"}, [("roomName", "a"), ("limit", "x")], "(query parameter limit).", "limit"),
        ({"shelf": "x"}, [("roomName", "a")], "(parameter shelf).", "shelf"),
    ):
        with pytest.raises(Invalid) as refused:
            operation.from_http(path, query, None)
        assert refused.value.detail.endswith(said)
        assert [each.parameter for each in refused.value.errors] == [parameter]
