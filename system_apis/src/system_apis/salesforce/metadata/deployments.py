"""Deploys packages over REST and watches them (Metadata API Developer Guide, "Deploying with REST")."""

import asyncio
import secrets
from itertools import chain, repeat
from typing import Annotated, Final, Literal

import msgspec

from shared.binding.call_context import current_context
from shared.binding.problems import NotFound, Problem, Transient
from shared.contracts.system.salesforce_definitions import ComponentOutcome, Deployment, DeploymentNotFound
from shared.resilience.outbound_faults import decode_json
from shared.resilience.wire import WireReply
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.faults import BACKEND, code_of, errors_of_reply, problem_of_reply
from system_apis.salesforce.record_id import to_18

_SECONDS = 120.0
"""For one call: a package may have 39 MB."""
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
_LONGEST_PROBLEM = 500
_PREFIX: Final = "0Af"
_States = Literal["running", "succeeded", "partly", "failed", "cancelled"]
_STATES: Final[dict[str, _States]] = {
    "Pending": "running", "InProgress": "running", "Canceling": "running", "Succeeded": "succeeded",
    "SucceededPartial": "partly", "Failed": "failed", "Canceled": "cancelled",
}  # fmt: skip


class _Message(msgspec.Struct, frozen=True, rename="camel"):
    full_name: str
    success: bool
    component_type: str | None = None
    file_name: str | None = None
    created: bool = False
    deleted: bool = False
    problem: str | None = None


class _Messages(msgspec.Struct, frozen=True, rename="camel"):
    component_successes: list[_Message] = []
    component_failures: list[_Message] = []


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    status: Annotated[str, msgspec.Meta(max_length=40)]
    details: _Messages = msgspec.field(default_factory=_Messages)
    error_message: str | None = None


class _View(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    deploy_result: _Result


class Deployments:
    """Deployments to one org.

    Args:
        salesforce: The org.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        self._root = f"{salesforce.root}/metadata/deployRequest"
        self._read = salesforce.read_headers
        self._write = salesforce.write_headers
        self._line = salesforce.line(f"{BACKEND}-metadata", timeout=_SECONDS, classify=_problem_of_reply)

    async def begin(
        self, package: bytes, operation: str, *, check_only: bool, rollback_on_error: bool, repeatable: bool
    ) -> str:
        """Hand a package over; returns the deployment's id.

        Args:
            package: The zip.
            operation: Names the span.
            check_only: Only try it.
            rollback_on_error: All of it or nothing.
            repeatable: Whether deploying it twice does what deploying it once does.

        Raises:
            Problem: See `faults`.
        """
        options = {
            "allowMissingFiles": False, "autoUpdatePackage": False, "checkOnly": check_only, "ignoreWarnings": False,
            "performRetrieve": False, "purgeOnDelete": False, "rollbackOnError": rollback_on_error,
            "singlePackage": True,
        }  # fmt: skip
        boundary = secrets.token_hex(24)
        described = msgspec.json.encode({"deployOptions": options})
        headers = {**self._read, "content-type": f"multipart/form-data; boundary={boundary}"}
        body = _multipart(boundary, described, package)
        reply = await self._line.send(
            "POST", self._root, headers=headers, body=body, repeatable=repeatable, operation=operation
        )
        return decode_json(reply, _View, backend=BACKEND, repeatable=repeatable).id

    async def look(self, deployment_id: str, operation: str) -> Deployment:
        """How far a deployment is.

        Raises:
            DeploymentNotFound: The org knows none of this id; it forgets them after 30 days.
            Problem: See `faults`.
        """
        known = to_18(deployment_id)
        if known is None or not known.startswith(_PREFIX):
            raise DeploymentNotFound(
                f"{deployment_id} is no id of a deployment; they begin with {_PREFIX}; give it as it was told."
            )
        path = f"{self._root}/{known}?includeDetails=true"
        try:
            reply = await self._line.send("GET", path, headers=self._read, operation=operation)
        except NotFound:
            raise DeploymentNotFound(f"Salesforce knows no deployment {deployment_id}.") from None
        return _deployment(decode_json(reply, _View, backend=BACKEND))

    async def watch(self, deployment_id: str, operation: str, seconds: float) -> Deployment:
        """A deployment when it has ended, or as far as it is after so many seconds; each look is an API call.

        A look that fails for now leaves it running, as it is: whoever does not hear of it would deploy again.
        """
        until = asyncio.get_running_loop().time() + seconds
        for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
            try:
                found = await self.look(deployment_id, operation)
            except Transient:
                left = current_context().remaining()
                if left is not None and left <= 0:
                    raise
                found = Deployment(deployment_id, "running")
            if found.state != "running" or asyncio.get_running_loop().time() + pause > until:
                return found
            await asyncio.sleep(pause)
        raise AssertionError  # pragma: no cover - the pauses have no end

    async def cancel(self, deployment_id: str, operation: str) -> None:
        """Ask the org to stop a deployment that has not ended.

        Raises:
            Problem: `Invalid` if it has ended; see `faults`.
        """
        body = msgspec.json.encode({"deployResult": {"status": "Canceling"}})
        path = f"{self._root}/{deployment_id}"
        await self._line.send("PATCH", path, headers=self._write, body=body, repeatable=True, operation=operation)


def _multipart(boundary: str, described: bytes, package: bytes) -> bytes:
    """The two parts that the resource wants (RFC 7578)."""
    mark = f"--{boundary}".encode()
    return b"\r\n".join(
        (
            mark, b'Content-Disposition: form-data; name="json"', b"Content-Type: application/json", b"", described,
            mark, b'Content-Disposition: form-data; name="file"; filename="deploy.zip"',
            b"Content-Type: application/zip", b"", package, mark + b"--", b"",
        )
    )  # fmt: skip


def _deployment(view: _View) -> Deployment:
    result = view.deploy_result
    messages = [*result.details.component_failures, *result.details.component_successes]
    return Deployment(
        view.id,
        _STATES.get(result.status, "running"),
        [_outcome(each) for each in messages],
        said(result.error_message or ""),
    )


def _outcome(message: _Message) -> ComponentOutcome:
    problem = "" if message.success else said(message.problem or "refused without a word")
    return ComponentOutcome(
        message.component_type or "",
        message.full_name,
        message.file_name or "",
        created=message.created,
        deleted=message.deleted,
        problem=problem,
    )


def said(sentence: str) -> str:
    """A sentence of the org about our own package, on one line and of bounded length; it quotes no records."""
    return "".join(each if each.isprintable() else " " for each in sentence)[:_LONGEST_PROBLEM]


def _problem_of_reply(reply: WireReply) -> Problem | None:
    errors = errors_of_reply(reply) if reply.status >= 400 else []  # noqa: PLR2004
    if errors and code_of(errors[0]) == "INVALID_CROSS_REFERENCE_KEY":
        return NotFound("Salesforce knows no such deployment.")
    return problem_of_reply(reply)
