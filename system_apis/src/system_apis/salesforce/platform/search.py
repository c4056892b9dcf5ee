"""Search by words (SOQL and SOSL Reference, "FIND"; REST API Developer Guide, "Parameterized Search")."""

import re
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from shared.binding.problems import FieldError, Invalid
from shared.contracts.system.salesforce_platform import (
    ObjectDescription,
    Row,
    SearchedObject,
    SearchHits,
    SearchRequest,
)
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.platform.calls import OrgCalls, decoded
from system_apis.salesforce.platform.describe import Describe
from system_apis.salesforce.platform.fields import Fields
from system_apis.salesforce.platform.select import Select
from system_apis.salesforce.platform.values import Json, id_of, picked

_RESERVED = re.compile(r"""([?&|!{}\[\]()^~*:\\"'+\-])""")
_WILD: Final = ("\\*", "\\?")
_OPERATORS: Final = frozenset({"AND", "OR", "NOT"})


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    search_records: list[Json]


_answer = msgspec.json.Decoder(_Answer)


class Search:
    """Searches of one org.

    Args:
        salesforce: The org.
        describe: What it says of its objects.
    """

    def __init__(self, salesforce: SalesforceConnector, describe: Describe) -> None:
        self._calls = OrgCalls(salesforce)
        self._describe = describe
        self._fields = Fields(describe)
        self._select = Select(describe)

    async def hits(self, question: SearchRequest, operation: str) -> SearchHits:
        """What is found; one parameterized search, whose length no URL limits.

        Raises:
            ObjectNotFound, FieldNotKnown, Invalid: A name or a condition does not fit, or the text holds no word.
            OrgRefused: The org refuses the search, e.g. for a word of one letter.
        """
        paths: dict[str, list[str]] = {}
        objects: list[dict[str, Any]] = []
        for each in question.objects:
            described = await self._describe.object(each.sobject)
            paths[described.name] = await self._paths(described, each)
            objects.append(await self._object(described, each, paths[described.name]))
        body = {
            "q": _asked(question),
            "in": question.within.upper(),
            "sobjects": objects,
            "overallLimit": question.limit,
        }
        reply = await self._calls.send("POST", "/parameterizedSearch", operation, body=body, repeatable=True)
        return SearchHits([_hit(record, paths) for record in decoded(_answer, reply).search_records])

    async def find(self, sosl: str, operation: str) -> list[Json]:
        """The records that a SOSL statement finds; `statement` writes one."""
        reply = await self._calls.send("GET", f"/search?q={quote(sosl, safe='')}", operation)
        return decoded(_answer, reply).search_records

    async def statement(self, question: SearchRequest) -> str:
        """The SOSL statement that asks the question; raises as `hits`."""
        returning: list[str] = []
        for each in question.objects:
            described = await self._describe.object(each.sobject)
            tail = await self._select.clauses(described, each.where, (), (), each.limit)
            returning.append(f"{described.name}({','.join(await self._paths(described, each))}{tail})")
        scope, objects = question.within.upper(), ",".join(returning)
        return f"FIND {{{_asked(question)}}} IN {scope} FIELDS RETURNING {objects} LIMIT {question.limit:d}"

    async def _paths(self, described: ObjectDescription, asked: SearchedObject) -> list[str]:
        return await self._fields.spelt(described, asked.fields)

    async def _object(self, described: ObjectDescription, asked: SearchedObject, paths: list[str]) -> dict[str, Any]:
        found: dict[str, Any] = {"name": described.name, "fields": paths}
        if asked.where:
            where = await self._select.clauses(described, asked.where, (), (), None)
            found["where"] = where.removeprefix(" WHERE ")
        return found if asked.limit is None else {**found, "limit": asked.limit}


def terms(text: str, *, wildcards: bool = False) -> str:
    """Text as a search query in which every word stands for itself.

    Args:
        text: Words.
        wildcards: Whether `*` and `?` stand for any letters and any one.
    """
    return " ".join(_term(word, wildcards=wildcards) for word in text.split())


def _asked(question: SearchRequest) -> str:
    asked = terms(question.text, wildcards=question.wildcards)
    if not asked:
        error = FieldError(detail="Holds no word", pointer="/text")
        raise Invalid("There is no word to search for; give one of two characters or more (text).", errors=[error])
    return asked


def _term(word: str, *, wildcards: bool) -> str:
    if word.upper() in _OPERATORS:
        return f'"{word}"'
    escaped = _RESERVED.sub(r"\\\1", word)
    for sign in _WILD if wildcards else ():
        escaped = escaped.replace(sign, sign[1])
    return escaped


def _hit(record: Json, paths: dict[str, Sequence[str]] | dict[str, list[str]]) -> Row:
    attributes: Json = record.get("attributes") or {}
    sobject = str(attributes.get("type", ""))
    return Row(id_of(record), sobject, picked(record, paths.get(sobject, ())))
