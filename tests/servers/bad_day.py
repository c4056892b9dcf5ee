"""What stand-ins do on a bad day, told to them by their control path."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

Fail = Callable[..., Awaitable[None]]


def failing(control: httpx.AsyncClient, *named: str, **usual: Any) -> Fail:
    """Makes the stand-in behind `control` fail: arguments in the order `named`, more of a fault by name.

    `usual` is what a fault says that is not told otherwise: `failing(control, "path", "fault", method="*", times=1)`.
    """

    async def fail(*told: str, **more: Any) -> None:
        answer = await control.post("/faults", json={**usual, **dict(zip(named, told, strict=True)), **more})
        assert answer.status_code == 201, answer.text

    return fail
