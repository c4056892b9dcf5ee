"""customer-360 on FastAPI: once over httpx with a pool of its own, once over aiohttp. No policies.

PLAN=… python -m customer_360.fastapi_app httpx 8080
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from customer_360.merging import Customer360, merged
from customer_360.plan import PlannedCall, read_plan
from fastapi import FastAPI

PLAN = read_plan()
Fetch = Callable[[str, dict[str, str]], Awaitable[Any]]


@asynccontextmanager
async def _httpx() -> AsyncGenerator[Fetch]:
    import httpx

    async with httpx.AsyncClient() as client:

        async def fetch(url: str, headers: dict[str, str]) -> Any:
            reply = await client.get(url, headers=headers)
            reply.raise_for_status()
            return reply.json()

        yield fetch


@asynccontextmanager
async def _aiohttp() -> AsyncGenerator[Fetch]:
    import aiohttp
    from yarl import URL

    async with aiohttp.ClientSession(raise_for_status=True) as session:

        async def fetch(url: str, headers: dict[str, str]) -> Any:
            async with session.get(URL(url, encoded=True), headers=headers) as reply:
                return await reply.json(content_type=None)

        yield fetch


def application(client: str) -> FastAPI:
    """The application over one of the two clients."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with {"httpx": _httpx, "aiohttp": _aiohttp}[client]() as fetch:
            app.state.fetch = fetch
            yield

    app = FastAPI(lifespan=lifespan)

    async def call(planned: PlannedCall, place: str, value: str) -> Any:
        return await app.state.fetch(planned.url.replace(place, value), planned.headers)

    @app.get("/customers/{customer_id}", response_model_exclude_defaults=True)
    async def get_customer(customer_id: str) -> Customer360:
        account = (await call(PLAN.overview, "{customer}", customer_id))["records"][0]
        number = account[PLAN.number_field]
        credit, orders = await asyncio.gather(
            call(PLAN.credit, "{partner}", PLAN.partners[number]), call(PLAN.orders, "{number}", number)
        )
        return merged(account, credit["d"], orders["d"]["results"])

    return app


if __name__ == "__main__":
    uvicorn.run(
        application(sys.argv[1]),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
