"""`python -m system_apis.salesforce.oauth`: an operator logs in, the refresh token goes into a file.

The connector then runs with `auth = "refresh-token"` and `refresh_token = "file:…"`.
"""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from shared.binding.problems import BackendFault, Problem
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.salesforce.oauth.device import await_approval, begin_device_login
from system_apis.salesforce.oauth.sessions import endpoint_of
from system_apis.salesforce.oauth.settings import LoginSettings
from system_apis.salesforce.oauth.token_endpoint import Token, TokenEndpoint
from system_apis.salesforce.oauth.web_server import WebServerLogin

CALLBACK = "http://localhost:1717/OauthRedirect"
_LOOPBACK = "127.0.0.1"
_DONE = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\nDone. You can close this page.\n"


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """What the operator says."""
    parser = argparse.ArgumentParser(prog="python -m system_apis.salesforce.oauth", description=__doc__)
    parser.add_argument("--url", required=True, help="the org's My Domain, https://…")
    parser.add_argument("--login-url", default="", help="another login host [default: the My Domain]")
    parser.add_argument("--client-id", required=True, help="consumer key of the connected app")
    parser.add_argument("--client-secret", default="", help="where its secret is, file:/… or env:… [default: none]")
    parser.add_argument("--redirect-uri", default=CALLBACK, help=f"as the app lists it [default: {CALLBACK}]")
    parser.add_argument("--device", action="store_true", help="show a code, for a browser elsewhere")
    parser.add_argument("--into", required=True, type=Path, help="file for the refresh token")
    return parser.parse_args(given)


async def log_in(asked: argparse.Namespace) -> None:
    """Lead the operator through the login and keep the refresh token.

    Raises:
        Problem: It did not come to that; says why.
    """
    kept = await asyncio.to_thread(_place, asked.into)
    settings = LoginSettings(
        url=asked.url,
        login_url=asked.login_url,
        client_id=asked.client_id,
        client_secret=Secret(asked.client_secret) if asked.client_secret else None,
        auth="refresh-token",
        refresh_token=kept,
    )
    wire = open_wire()
    try:
        token = await _granted(asked, endpoint_of("salesforce", settings, Outbound(wire)))
    finally:
        await wire.aclose()
    if not token.refresh_token:
        raise BackendFault("Salesforce gave no refresh token; add the scope refresh_token to the connected app.")
    kept.replace(token.refresh_token)


def _place(into: Path) -> Secret:
    """The file, made if it is not there, so that a login does not end with nowhere to put its token."""
    into = into.resolve()
    into.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not into.exists():
        with os.fdopen(os.open(into, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("none yet\n")
    return Secret(f"file:{into}")


async def _granted(asked: argparse.Namespace, endpoint: TokenEndpoint) -> Token:
    if asked.device:
        codes = await begin_device_login(endpoint, asked.client_id)
        _say(f"Open {codes.verification_uri} and enter {codes.user_code}")
        return await await_approval(endpoint, asked.client_id, codes)
    login = WebServerLogin(client_id=asked.client_id, redirect_uri=asked.redirect_uri)
    _say(f"Open {login.authorize_url(asked.login_url or asked.url)}")
    return await login.redeem(endpoint, await came_back(asked.redirect_uri))


async def came_back(redirect_uri: str) -> str:
    """The address under which this machine's browser comes back to `redirect_uri`, which names a loopback port."""
    place = urlsplit(redirect_uri)
    answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readline()).decode("ascii", "replace").split(" ")[1:2]
        if target and target[0].startswith(place.path) and not answered.done():
            writer.write(_DONE)
            answered.set_result(target[0])
        else:  # browsers ask for icons as well
            writer.write(b"HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(meet, _LOOPBACK, place.port or 80):
        return await answered


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Log in; refusals are one line and exit status 2."""
    asked = arguments()
    try:
        asyncio.run(log_in(asked))
    except (Problem, ValueError, OSError) as refusal:
        sys.stderr.write(f"{refusal}\n")
        sys.exit(2)
    _say(f'Set auth = "refresh-token" and refresh_token = "file:{asked.into.resolve()}".')


if __name__ == "__main__":
    main()
