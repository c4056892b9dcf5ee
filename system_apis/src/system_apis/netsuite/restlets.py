"""RESTlets: scripts that an account deploys under a number, called with JSON."""

from collections.abc import Mapping
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

import msgspec

from shared.resilience.outbound_faults import decode_json
from system_apis.netsuite.connector import NetSuiteConnector
from system_apis.netsuite.faults import NAME

_T = TypeVar("_T")
_PATH = "/app/site/hosting/restlet.nl"
_JSON = {"accept": "application/json", "content-type": "application/json"}


class Restlets:
    """The scripts of one account, within the slots that REST and SOAP share.

    Args:
        netsuite: The account.
    """

    def __init__(self, netsuite: NetSuiteConnector) -> None:
        self._netsuite = netsuite
        self._backend = netsuite.channel(f"{NAME} RESTlets", netsuite.settings.restlets)

    async def call(
        self,
        method: Literal["GET", "POST", "PUT", "DELETE"],
        script: str,
        deployment: str,
        kind: type[_T],
        *,
        parameters: Mapping[str, str] | None = None,
        body: Any = None,
        repeatable: bool | None = None,
    ) -> _T:
        """Run a script; returns what it answered, as `kind`.

        Args:
            method: Of HTTP; the script has a function for each that it takes.
            script: Its number or id.
            deployment: The same of its deployment.
            kind: What it answers.
            parameters: More of the query; they are signed as well.
            body: Sent as JSON, for POST and PUT.
            repeatable: Whether running it twice does what running it once does; False for POST unless you know.

        Raises:
            Problem: As `faults.problem_of`; `QuotaExceeded` also where a RESTlet says with status 400 that too many
                requests are under way.
        """
        query = urlencode({"script": script, "deploy": deployment, **(parameters or {})})
        await self._netsuite.sized()
        reply = await self._backend.send(
            method,
            f"{_PATH}?{query}",
            headers=_JSON,
            body=None if body is None else msgspec.json.encode(body),
            repeatable=repeatable,
            operation=f"restlet_{script}",
        )
        return decode_json(reply, kind, backend=NAME)
