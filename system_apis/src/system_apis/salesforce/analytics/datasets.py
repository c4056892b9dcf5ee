"""Datasets of one org: uploaded part by part, asked in SAQL."""

import asyncio
import base64
import re
from collections.abc import AsyncIterable, Generator, Mapping, Sequence
from contextlib import aclosing, contextmanager, suppress
from typing import Annotated, Any, Final, Literal

import msgspec

from shared.binding.call_context import current_context
from shared.binding.problems import BackendFault, BackendUnavailable, Invalid, Problem, Transient
from shared.contracts.system.salesforce_definitions import DatasetNotFound
from shared.resilience.outbound_faults import OutcomeUnknown, decode_json, in_doubt
from shared.resilience.wire import WireReply
from system_apis.salesforce.analytics.saql import Loaded, Value, bound
from system_apis.salesforce.analytics.tables import MOST_PART_BYTES, Cell, Column, metadata_of, parts_of
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.faults import BACKEND, problem_of_reply
from system_apis.salesforce.metadata.deployments import said
from system_apis.salesforce.soql import Statement

Operation = Literal["Overwrite", "Append", "Upsert", "Delete"]
Scalar = str | float | int | bool | None
_UPLOAD: Final = "salesforce_platform.upload_dataset"
_ASK: Final = "salesforce_platform.query_datasets"
_SECONDS = 180.0
"""For one call: a part is 14 MB of base64."""
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_ENDED: Final = frozenset({"Completed", "CompletedWithWarnings", "Failed", "NotProcessed"})
_NAME: Final = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9]){0,79}")
_NEW: Final = "New"
_DONE, _REFUSED = 204, 400
_KEYED: Final = frozenset({"Upsert", "Delete"})


class Upload(msgspec.Struct, frozen=True, rename="pascal"):
    """An upload as far as the org has come with it.

    Attributes:
        status: New, Queued, InProgress, Completed, CompletedWithWarnings, Failed or NotProcessed.
        status_message: What the org says about it.
    """

    status: str
    id: str = ""
    status_message: str | None = None


class _Made(msgspec.Struct, frozen=True):
    id: str


class _Part(msgspec.Struct, frozen=True, rename="pascal"):
    id: str


class _Listed(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    name: str
    current_version_id: str | None = None


class _Listing(msgspec.Struct, frozen=True, rename="camel"):
    datasets: list[_Listed]


class _Results(msgspec.Struct, frozen=True):
    records: list[dict[str, Scalar]]


class _Answer(msgspec.Struct, frozen=True):
    results: _Results


class _Complaint(msgspec.Struct, frozen=True):
    message: str


_complaints = msgspec.json.Decoder(Annotated[list[_Complaint], msgspec.Meta(min_length=1)])


class Datasets:
    """CRM Analytics of one org.

    Args:
        salesforce: The org.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        self._salesforce = salesforce
        self._rows = f"{salesforce.root}/sobjects/InsightsExternalData"
        self._wave = f"{salesforce.root}/wave"
        self._line = salesforce.line(f"{BACKEND}-analytics", timeout=_SECONDS)
        self._part = Statement(
            salesforce.root,
            "SELECT Id FROM InsightsExternalDataPart WHERE InsightsExternalDataId = :upload AND PartNumber = :number",
            _Part,
        )

    async def upload(
        self,
        dataset: str,
        columns: Sequence[Column],
        rows: AsyncIterable[Sequence[Cell]],
        *,
        operation: Operation = "Overwrite",
        part_bytes: int = MOST_PART_BYTES,
        seconds: float = 600.0,
    ) -> Upload:
        """Upload rows and wait until the org has made a dataset of them.

        Args:
            dataset: API name.
            columns: What each row holds, in this order.
            rows: Any number; one part of them is in memory at a time.
            operation: Upsert and Delete go by the one column that is unique.
            part_bytes: Size of a part before base64, at most 10 MB.
            seconds: How long to wait for the org.

        Returns:
            The upload, Completed or CompletedWithWarnings.

        Raises:
            Invalid: Columns and operation do not fit, or the org cannot read the rows.
            BackendUnavailable: The org had not come to it in time; it goes on with it.
            Problem: See `faults`. With the extension `uploadId` every row is there: `finish` it, or what is appended
                would be appended twice.
        """
        _check(dataset, columns, operation)
        upload_id = await self._begun(dataset, columns, operation)
        number = 0
        async with aclosing(parts_of(columns, rows, min(part_bytes, MOST_PART_BYTES))) as parts:
            async for part in parts:
                number += 1
                await self._send_part(upload_id, number, part)
        with _naming(upload_id):
            await self._process(upload_id)
            return await self._result(upload_id, seconds)

    async def finish(self, upload_id: str, seconds: float = 600.0) -> Upload:
        """Let the org make a dataset of an upload whose rows are all there, if it has not begun, and wait for it.

        Returns and raises: as `upload`.
        """
        with _naming(upload_id):
            if (await self.look(upload_id)).status == _NEW:
                await self._process(upload_id)
            return await self._result(upload_id, seconds)

    async def look(self, upload_id: str) -> Upload:
        """How far the org is with an upload."""
        path = f"{self._rows}/{upload_id}?fields=Id,Status,StatusMessage"
        reply = await self._line.send("GET", path, headers=self._salesforce.read_headers, operation=_UPLOAD)
        return decode_json(reply, Upload, backend=BACKEND)

    async def query(
        self, saql: str, *, datasets: Mapping[str, str] | None = None, values: Mapping[str, Value] | None = None
    ) -> list[dict[str, Scalar]]:
        """The records of a SAQL query.

        Args:
            saql: `:name` outside quotes is the place of a dataset or value.
            datasets: API names of datasets by the name of their place.
            values: Values by the name of their place.

        Raises:
            DatasetNotFound: There is no dataset of a name.
            Invalid: A place or value is missing, or the org does not accept the query, and says why.
            Problem: See `faults`.
        """
        loaded = {place: await self._version(name) for place, name in (datasets or {}).items()}
        try:
            query = bound(saql, {**(values or {}), **loaded})
        except ValueError as error:
            raise Invalid(str(error)) from None
        reply = await self._line.send(
            "POST", f"{self._wave}/query", headers=self._salesforce.write_headers,
            body=msgspec.json.encode({"query": query}), repeatable=True, operation=_ASK, classify=_problem_of_question,
        )  # fmt: skip
        return decode_json(reply, _Answer, backend=BACKEND).results.records

    async def _version(self, name: str) -> Loaded:
        if _NAME.fullmatch(name) is None:
            raise DatasetNotFound(f"Salesforce has no dataset {name!r}; names hold letters, digits and underscores.")
        path = f"{self._wave}/datasets?q={name}&pageSize=200"
        reply = await self._line.send("GET", path, headers=self._salesforce.read_headers, operation=_ASK)
        for each in decode_json(reply, _Listing, backend=BACKEND).datasets:
            if each.name.lower() == name.lower() and each.current_version_id:
                return Loaded(f"{each.id}/{each.current_version_id}")
        raise DatasetNotFound(f"Salesforce has no dataset {name!r}, or our user may not see it.")

    async def _begun(self, dataset: str, columns: Sequence[Column], operation: Operation) -> str:
        body = {
            "Format": "Csv", "EdgemartAlias": dataset, "EdgemartLabel": dataset, "Operation": operation,
            "Action": "None", "MetadataJson": base64.b64encode(metadata_of(dataset, columns)).decode(),
        }  # fmt: skip
        # Until it is told to process, an upload that was begun twice is only a row that nobody asks for.
        return decode_json(await self._post(self._rows, body, _UPLOAD, repeatable=True), _Made, backend=BACKEND).id

    async def _send_part(self, upload_id: str, number: int, part: bytes) -> None:
        content = base64.b64encode(part).decode()
        body = {"InsightsExternalDataId": upload_id, "PartNumber": number, "DataFile": content}
        try:
            await self._add_part(body)
        except OutcomeUnknown:
            if not await self._salesforce.query(self._part, _UPLOAD, upload=upload_id, number=number):
                await self._add_part(body)

    async def _add_part(self, body: dict[str, Any]) -> None:
        reply = await self._post(f"{self._rows}Part", body, _UPLOAD, repeatable=False)
        decode_json(reply, _Made, backend=BACKEND, repeatable=False)

    async def _process(self, upload_id: str) -> None:
        try:
            await self._ask_for(upload_id)
        except OutcomeUnknown:
            if (await self.look(upload_id)).status == _NEW:
                await self._ask_for(upload_id)

    async def _ask_for(self, upload_id: str) -> None:
        path, body = f"{self._rows}/{upload_id}", msgspec.json.encode({"Action": "Process"})
        headers = self._salesforce.write_headers
        reply = await self._line.send("PATCH", path, headers=headers, body=body, repeatable=False, operation=_UPLOAD)
        if reply.status != _DONE:
            raise in_doubt(f"{BACKEND}-analytics")

    async def _result(self, upload_id: str, seconds: float) -> Upload:
        found = await self._ended(upload_id, seconds)
        if found.status in ("Failed", "NotProcessed"):
            raise Invalid(f"Salesforce cannot make a dataset of upload {upload_id}: look at its StatusMessage.")
        return found

    async def _ended(self, upload_id: str, seconds: float) -> Upload:
        """The upload when the org has ended with it; a look that fails says nothing of it."""
        left = current_context().remaining()
        until, looks = asyncio.get_running_loop().time() + (seconds if left is None else min(seconds, left)), 0
        while True:
            with suppress(Transient, BackendFault):
                if (found := await self.look(upload_id)).status in _ENDED:
                    return found
            pause = _PAUSES[min(looks, len(_PAUSES) - 1)]
            if asyncio.get_running_loop().time() + pause > until:
                raise BackendUnavailable(f"Salesforce has not come to upload {upload_id} yet; it goes on with it.")
            await asyncio.sleep(pause)
            looks += 1

    async def _post(self, path: str, body: dict[str, Any], operation: str, *, repeatable: bool) -> Any:
        raw, headers = msgspec.json.encode(body), self._salesforce.write_headers
        return await self._line.send(
            "POST", path, headers=headers, body=raw, repeatable=repeatable, operation=operation
        )


def _problem_of_question(reply: WireReply) -> Problem | None:
    """As `problem_of_reply`; what the org says of a query speaks of the query's own words, and of no record."""
    problem = problem_of_reply(reply)
    if not isinstance(problem, Invalid) or reply.status != _REFUSED:
        return problem
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        if sentence := said(_complaints.decode(reply.body)[0].message):
            return Invalid(f"CRM Analytics does not accept the query: {sentence}")
    return problem


@contextmanager
def _naming(upload_id: str) -> Generator[None]:
    """Tell with what goes wrong which upload it was: it need not be made again."""
    try:
        yield
    except Problem as problem:
        problem.extensions["uploadId"] = upload_id
        raise


def _check(dataset: str, columns: Sequence[Column], operation: Operation) -> None:
    for name in (dataset, *(column.name for column in columns)):
        if _NAME.fullmatch(name) is None:
            raise Invalid(f"{name!r} cannot name a dataset or column: letters, digits and single underscores do.")
    if not columns or len({column.name.lower() for column in columns}) < len(columns):
        raise Invalid("A dataset needs columns of different names.")
    if operation in _KEYED and sum(column.unique for column in columns) != 1:
        raise Invalid(f"{operation} needs exactly one column that is unique.")
