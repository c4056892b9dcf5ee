"""A small contract served for real: HTTP on loopback, a real Valkey, tokens of a real issuer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import msgspec
import pytest
from litestar import Litestar

from shared.binding.call_context import CallContext, Principal
from shared.binding.declare import Contract, Cursor, Page, PageSize, delete, get, post
from shared.binding.edge import Edge
from shared.binding.inbound import Inbound
from shared.binding.paging import decode_cursor, encode_cursor
from shared.binding.problems import Conflict, NotFound
from shared.binding.routes import routes
from shared.host.embedded import EmbeddedValkey, valkey_client
from shared.host.server import free_port, serving
from shared.messaging.idempotent_receiver import IdempotentReceiver
from shared.resilience.load_shedding import Shedder
from shared.resilience.rate_limit import RateLimiter
from shared.security.issuer import Issuer
from shared.security.signing_keys import SigningKeys

Isbn = Annotated[str, msgspec.Meta(pattern=r"^[0-9X-]+$", max_length=17)]


class BookNotFound(NotFound):
    """No book has this number."""


class AlreadyLent(Conflict):
    """Somebody else has the book."""


class Book(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A book."""

    isbn: Isbn
    title: Annotated[str, msgspec.Meta(max_length=40)]
    price: Decimal = Decimal("9.90")
    tags: list[str] = []


class Loan(msgspec.Struct, frozen=True, rename="camel"):
    """A wish to borrow."""

    reader_name: Annotated[str, msgspec.Meta(min_length=1)]
    books: list[Book] = []


class Note(msgspec.Struct, frozen=True, rename="camel"):
    """A document that some send bare."""

    whole_text: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Binding(msgspec.Struct, frozen=True, rename="camel"):
    """A book being bound, which takes long."""

    binding_id: str
    state: Literal["running", "completed"]


class Library(Contract, tier="system", version="v1"):
    """A library."""

    @get("/books", scope="library:read")
    async def list_books(
        self, tag: list[str] | None = None, cursor: Cursor | None = None, limit: PageSize = 2
    ) -> Page[Book]:
        """List books."""
        ...

    @get("/books/{isbn}", scope="library:read", raises=[BookNotFound])
    async def get_book(self, isbn: Isbn) -> Book:
        """Return one book."""
        ...

    @post("/books/{isbn}/loans", scope="library:write", raises=[BookNotFound, AlreadyLent])
    async def lend(self, isbn: Isbn, loan: Loan) -> Loan:
        """Lend a book."""
        ...

    @post("/bindings", scope="library:write", long_running="/bindings/{binding_id}", timeout=5.0)
    async def bind(self, book: Book) -> Binding:
        """Bind a book."""
        ...

    @post("/notes", scope="library:write", repeatable=True, status=200, text_types=("text/xml",))
    async def note(self, note: Note) -> Note:
        """Note something, wrapped in JSON or bare."""
        ...

    @delete("/books/{isbn}", scope="library:write")
    async def remove(self, isbn: Isbn) -> None:
        """Remove a book."""
        ...

    @get("/slow", scope="library:read", timeout=0.2)
    async def wait_for_ever(self) -> Book:
        """Never answer."""
        ...

    @get("/broken", scope="library:read")
    async def break_down(self) -> Book:
        """Fail by a defect."""
        ...

    @get("/lying", scope="library:read")
    async def lie(self) -> Book:
        """Answer something outside the contract."""
        ...


class ShelfLibrary(Library):
    """An implementation that keeps its books in a dict and counts what it was asked."""

    def __init__(self) -> None:
        self.books = {f"{n}": Book(f"{n}", f"Volume {n}") for n in range(1, 6)}
        self.lent: list[str] = []
        self.seen: list[CallContext] = []

    async def list_books(self, tag: list[str] | None = None, cursor: str | None = None, limit: int = 2) -> Page[Book]:
        start = decode_cursor(cursor, int) if cursor else 0
        books = list(self.books.values())[start : start + limit]
        more = start + limit < len(self.books)
        return Page(books, encode_cursor(start + limit) if more else None)

    async def get_book(self, isbn: str) -> Book:
        from shared.binding.call_context import current_context

        self.seen.append(current_context())
        if isbn not in self.books:
            raise BookNotFound(f"There is no book {isbn}.")
        return self.books[isbn]

    async def lend(self, isbn: str, loan: Loan) -> Loan:
        if isbn == "13":
            raise AlreadyLent("Somebody has it.")
        self.lent.append(loan.reader_name)
        return loan

    async def bind(self, book: Book) -> Binding:
        from shared.binding.call_context import current_context

        wait = current_context().wait
        return Binding("b 1", "running" if wait == 0 else "completed")

    async def note(self, note: Note) -> Note:
        return note

    async def remove(self, isbn: str) -> None:
        self.books.pop(isbn, None)

    async def wait_for_ever(self) -> Book:
        await asyncio.sleep(60)
        raise AssertionError

    async def break_down(self) -> Book:
        raise ZeroDivisionError("secret detail")

    async def lie(self) -> Book:
        return Book("1", "x" * 100)


@dataclass
class World:
    library: ShelfLibrary
    inbound: Inbound
    issuer: Issuer
    url: str

    def token(self, *scopes: str, audience: str = Library.audience, **more: Any) -> str:
        return self.issuer.issue("reader", "reading-app", audience, scopes or Library.scopes(), tier="gold", **more)

    def principal(self, *scopes: str) -> Principal:
        return Principal(
            "reader", "reading-app", Library.audience, frozenset(scopes or Library.scopes()), 4e9, self.issuer.url
        )

    def http(self, *scopes: str, **more: Any) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self.token(*scopes, **more)}"}
        return httpx.AsyncClient(base_url=self.url + Library.prefix, headers=headers)


@pytest.fixture(scope="session")
async def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with EmbeddedValkey(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey.url


@pytest.fixture
async def world(valkey_url: str, tmp_path: Path) -> AsyncIterator[World]:
    valkey = valkey_client(valkey_url)
    await valkey.flushall()
    library = ShelfLibrary()
    limiter = RateLimiter(valkey)
    inbound = Inbound(limiter, IdempotentReceiver(valkey, patience=20.0))
    port = free_port()
    issuer = Issuer(f"http://127.0.0.1:{port}", SigningKeys(tmp_path), (), {Library.audience: Library.scopes()})
    app = Litestar(
        route_handlers=[*routes(Library, library, inbound, issuer.verifier)], openapi_config=None, logging_config=None
    )
    async with serving(Edge(app, Shedder(100)), "127.0.0.1", port):
        yield World(library, inbound, issuer, issuer.url)
    await limiter.aclose()
    await valkey.aclose()
