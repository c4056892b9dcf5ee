"""An issuer with the clients of a small suite, on a clock the tests move, and a real server to put it on."""

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from eventually import eventually
from granian.constants import Interfaces
from granian.server.embed import Server

from shared.security.clients import CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE, Client, digest_secret
from shared.security.issuer import Issuer
from shared.security.jws import SigningKey
from shared.security.narrowing import delegable_scopes
from shared.security.signing_keys import SigningKeys

EXPERIENCE = "urn:triptych:experience:field-sales"
PROCESS = "urn:triptych:process:quote-to-order"
SYSTEM = "urn:triptych:system:crm"
OTHER = "urn:triptych:system:erp"


class MovableClock:
    """Unix seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now

    def pass_seconds(self, seconds: float) -> None:
        self.now += seconds


class Suite:
    """The audiences, secrets and keys of the issuer under test."""

    experience, process, system, other = EXPERIENCE, PROCESS, SYSTEM, OTHER
    secret = "only-for-tests-0123456789abcdefghij"
    owned: ClassVar = {
        EXPERIENCE: {"field-sales:read"},
        PROCESS: {"quote-to-order:write", "quote-to-order:read"},
        SYSTEM: {"crm:read", "crm:write"},
        OTHER: {"erp:write"},
    }
    audiences: ClassVar = delegable_scopes(owned, {EXPERIENCE: [PROCESS, SYSTEM], PROCESS: [SYSTEM]})

    def __init__(self, state: Path) -> None:
        self.client_keys = SigningKeys(state / "client")
        self.key: SigningKey = self.client_keys.signing_key()

    def clients(self) -> list[Client]:
        apis = [
            Client(
                id=audience,
                secret_digest=digest_secret(self.secret),
                jwks=tuple(self.client_keys.jwks()["keys"]),
                grants=frozenset({CLIENT_CREDENTIALS, TOKEN_EXCHANGE}),
                scopes=frozenset({"crm:read", "crm:write", "erp:write"}),
                audiences=frozenset({PROCESS, SYSTEM, OTHER}),
                may_act_for=frozenset({audience}),
                tier="internal",
            )
            for audience in (EXPERIENCE, PROCESS, SYSTEM)
        ]
        robot = Client(
            id="robot",
            jwks=tuple(self.client_keys.jwks()["keys"]),
            grants=frozenset({JWT_BEARER}),
            scopes=frozenset({"crm:read"}),
            audiences=frozenset({SYSTEM}),
            subjects=frozenset({"ada@triptych.example"}),
        )
        return [*apis, robot]


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return Suite(tmp_path)


@pytest.fixture
def make_issuer(tmp_path: Path, suite: Suite, clock: MovableClock) -> Callable[[str], Issuer]:
    def make(url: str, **options: Any) -> Issuer:
        keys = SigningKeys(tmp_path / "issuer", clock=clock)
        return Issuer(url, keys, suite.clients(), suite.audiences, clock=clock, **options)

    return make


@pytest.fixture
def issuer(make_issuer: Callable[[str], Issuer]) -> Issuer:
    return make_issuer("https://issuer.triptych.example")


@asynccontextmanager
async def _serving(app: Any, port: int) -> AsyncGenerator[None]:
    server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, log_enabled=False)
    running = asyncio.create_task(server.serve())
    try:
        async with httpx.AsyncClient() as client:

            async def answers() -> bool:
                with suppress(httpx.TransportError):
                    await client.get(f"http://127.0.0.1:{port}/")
                    return True
                return False

            await eventually(answers)
        yield
    finally:
        server.stop()
        await running


@pytest.fixture
def serving() -> Callable[[Any, int], Any]:
    return _serving


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
