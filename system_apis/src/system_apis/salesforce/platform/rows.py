"""Rows one at a time (REST API Developer Guide, "sObject Rows", "… by External ID", "… Get Updated/Deleted")."""

import re
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Final
from urllib.parse import quote

import msgspec

from shared.binding.problems import Invalid
from shared.contracts.system.salesforce_platform import DeletedRow, RowChanges, SeveralRows
from shared.resilience.wire import WireReply, WireStream
from system_apis.salesforce.composite import Part, PartRefused, decode_part
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.platform.calls import OrgCalls, decoded, no_answer
from system_apis.salesforce.platform.refusals import problem_of
from system_apis.salesforce.platform.values import Json, nested, record_decoder
from system_apis.salesforce.records import SaveError

_CREATED: Final = 201
_DONE: Final = 204
_SEVERAL: Final = 300
_UNCHANGED: Final = 304
_IN_QUOTES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""How a file name is written in a part's header (HTML Standard, "Multipart form data")."""
_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]*"')


class Saved(msgspec.Struct, frozen=True):
    """What became of a write. `id` is empty where the org does not say it (an update up to v45 by external id)."""

    id: str = ""
    created: bool = False


class ReadRow(msgspec.Struct, frozen=True):
    """A record as the org sent it, and the version it is of."""

    record: Json
    version: str


class _Updated(msgspec.Struct, frozen=True, rename="camel"):
    ids: list[str]
    latest_date_covered: datetime


class _Gone(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    deleted_date: datetime


class _Deleted(msgspec.Struct, frozen=True, rename="camel"):
    deleted_records: list[_Gone]
    latest_date_covered: datetime


_saved = msgspec.json.Decoder(Saved)
_updated = msgspec.json.Decoder(_Updated)
_deleted = msgspec.json.Decoder(_Deleted)


class Rows:
    """Rows of one org. Every method raises OrgRefused for what the org refuses, and the problems of `faults`.

    Args:
        salesforce: The org.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        self._salesforce = salesforce
        self._calls = OrgCalls(salesforce)

    async def read(
        self, sobject: str, row_id: str, operation: str, *, key_field: str = "", columns: str = "", known: str = ""
    ) -> ReadRow | None:
        """One record; None if it is still of the version `known`.

        Args:
            sobject: API name.
            row_id: Its id, or the value of `key_field`.
            operation: Names the span.
            key_field: An external id field.
            columns: Fields, with commas; all if empty.
            known: A version read before.
        """
        path = row_path(sobject, row_id, key_field) + (f"?fields={quote(columns, safe=',')}" if columns else "")
        reply = await self._calls.send("GET", path, operation, headers=unless_known(known))
        if reply.status == _UNCHANGED:
            return None
        _refuse_several(reply)
        version = reply.headers.get("etag") or reply.headers.get("last-modified") or ""
        return ReadRow(decoded(record_decoder, reply), version)

    async def create(self, sobject: str, fields: Mapping[str, Any], operation: str) -> Saved:
        """Create a row; `Account.ERP__c` names a parent by an external id."""
        reply = await self._calls.send("POST", f"/sobjects/{sobject}", operation, body=nested(fields))
        return Saved(_made_id(reply), created=True)

    async def update(
        self, sobject: str, row_id: str, fields: Mapping[str, Any], operation: str, *, version: str = ""
    ) -> Saved:
        """Change fields of a row, with a `version` only if it is still of that."""
        path, headers = row_path(sobject, row_id), if_still(version)
        reply = await self._calls.send(
            "PATCH", path, operation, body=nested(fields), headers=headers, repeatable=not version
        )
        _check_done(reply, repeatable=not version)
        return Saved(row_id)

    async def upsert(
        self, sobject: str, key_field: str, key: str, fields: Mapping[str, Any], operation: str, *, version: str = ""
    ) -> Saved:
        """Create or change the row with this external id; SeveralRows if there is more than one."""
        path, headers = row_path(sobject, key, key_field), if_still(version)
        body = nested(fields)
        reply = await self._calls.send("PATCH", path, operation, body=body, headers=headers, repeatable=not version)
        _refuse_several(reply)
        if not reply.body:
            return Saved()
        saved = decoded(_saved, reply, repeatable=not version)
        return Saved(saved.id, created=reply.status == _CREATED)

    async def delete(self, sobject: str, row_id: str, operation: str, *, version: str = "") -> Saved:
        """Put a row into the recycle bin, with a `version` only if it is still of that."""
        reply = await self._calls.send("DELETE", row_path(sobject, row_id), operation, headers=if_still(version))
        _check_done(reply, repeatable=True)
        return Saved(row_id)

    async def changes(self, sobject: str, since: datetime, until: datetime, operation: str) -> RowChanges:
        """Which rows changed in a window of the last 30 days; one API call."""
        window = f"?start={_moment(since)}&end={_moment(until)}"
        at = f"{self._calls.root}/sobjects/{sobject}"
        parts = [Part(name, "GET", f"{at}/{name}/{window}") for name in ("updated", "deleted")]
        try:
            answers = await self._salesforce.composite(parts, operation, repeatable=True)
        except PartRefused as refused:
            raise problem_of(refused.status, [SaveError(error_code=refused.code)]) from None
        updated, deleted = decode_part(_updated, answers[0]), decode_part(_deleted, answers[1])
        gone = [DeletedRow(each.id, each.deleted_date) for each in deleted.deleted_records]
        return RowChanges(updated.ids, gone, min(updated.latest_date_covered, deleted.latest_date_covered))

    def blob(self, sobject: str, row_id: str, field: str, operation: str) -> AbstractAsyncContextManager[WireStream]:
        """The bytes of a base64 field while they arrive, e.g. VersionData of a ContentVersion."""
        path = f"{self._calls.root}{row_path(sobject, row_id)}/{quote(field, safe='')}"
        return self._salesforce.backend.stream("GET", path, headers={"accept": "*/*"}, operation=operation)

    async def upload(self, fields: Mapping[str, Any], content: bytes, operation: str) -> Saved:
        """Create a ContentVersion from bytes, without the third that base64 in JSON adds.

        Args:
            fields: At least PathOnClient, whose ending tells the kind of file.
            content: At most 2 GB by the org's rules, and what memory holds by ours.
            operation: Names the span.
        """
        boundary, name = token_hex(16), str(fields.get("PathOnClient") or "file").translate(_IN_QUOTES)
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="entity_content"\r\n'
        head += "Content-Type: application/json\r\n\r\n"
        middle = f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="VersionData"; filename="{name}"\r\n'
        middle += "Content-Type: application/octet-stream\r\n\r\n"
        entity = msgspec.json.encode(nested(fields))
        body = b"".join((head.encode(), entity, middle.encode(), content, f"\r\n--{boundary}--\r\n".encode()))
        headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
        reply = await self._calls.send("POST", "/sobjects/ContentVersion", operation, body=body, headers=headers)
        return Saved(_made_id(reply), created=True)


def row_path(sobject: str, row_id: str, key_field: str = "") -> str:
    """The path of a row below the version."""
    key = f"{quote(key_field, safe='')}/" if key_field else ""
    return f"/sobjects/{quote(sobject, safe='')}/{key}{quote(row_id, safe='')}"


def if_still(version: str) -> dict[str, str]:
    """The precondition that a row is of a version: by tag, or where the org gives none by date (RFC 9110 §13)."""
    if not version:
        return {}
    return {"if-match" if _is_tag(version) else "if-unmodified-since": version}


def unless_known(version: str) -> dict[str, str]:
    """The condition that a row is no longer of a version."""
    if not version:
        return {}
    return {"if-none-match" if _is_tag(version) else "if-modified-since": version}


def _is_tag(version: str) -> bool:
    if any(character < " " for character in version):
        raise Invalid("A version holds control characters; give it as it was read.")
    return _TAG.fullmatch(version) is not None


def _made_id(reply: WireReply) -> str:
    """The id of what was created; OutcomeUnknown if the reply does not say."""
    made = decoded(_saved, reply, repeatable=False).id
    if not made:
        raise no_answer(reply, repeatable=False)
    return made


def _check_done(reply: WireReply, *, repeatable: bool) -> None:
    """A change is answered 204 and nothing more; a page of somebody between is no sign that anything was done."""
    if reply.status != _DONE:
        raise no_answer(reply, repeatable=repeatable)


def _refuse_several(reply: WireReply) -> None:
    if reply.status == _SEVERAL:
        raise SeveralRows("Several rows have this external id; use the id of one.")


def _moment(moment: datetime) -> str:
    return quote(moment.astimezone(UTC).isoformat(timespec="seconds"), safe="")
