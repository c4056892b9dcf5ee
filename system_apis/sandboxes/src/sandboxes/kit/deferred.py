"""A stand-in that is created when somebody first asks it something."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache

from sandboxes.kit.asgi import Receive, Scope, Send
from sandboxes.kit.sandbox import Control, SandboxApp


class _Controls(Mapping[str, Control]):
    """The control routes of an app that may not exist yet."""

    def __init__(self, app: Callable[[], SandboxApp]) -> None:
        self._app = app

    def __getitem__(self, name: str) -> Control:
        return self._app().controls[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._app().controls)

    def __len__(self) -> int:
        return len(self._app().controls)


def deferred(create: Callable[[], SandboxApp]) -> SandboxApp:
    """What `create` makes, made at the first request or question; resetting or closing it before does nothing."""
    app = cache(create)

    async def asgi(scope: Scope, receive: Receive, send: Send) -> None:
        await app()(scope, receive, send)

    def if_made(act: Callable[[SandboxApp], None]) -> None:
        if app.cache_info().currsize:
            act(app())

    return SandboxApp(
        asgi,
        close=lambda: if_made(lambda made: made.close()),
        reset=lambda: if_made(lambda made: made.reset()),
        ledger=lambda: app().ledger(),
        controls=_Controls(app),
    )
