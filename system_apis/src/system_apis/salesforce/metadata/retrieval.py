"""Retrieves components as files (Metadata API Developer Guide, "retrieve()", "checkRetrieveStatus()")."""

import asyncio
import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.metadata.deployments import said
from system_apis.salesforce.metadata.markup import Tree
from system_apis.salesforce.metadata.soap import MetadataSoap
from system_apis.salesforce.metadata.unpacking import unpacked

_OPERATION: Final = "salesforce_platform.retrieve"
_PAUSES: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
_ENDED: Final = frozenset({"Succeeded", "Failed"})


class Retrieved(msgspec.Struct, frozen=True):
    """What came back.

    Attributes:
        files: Contents by path, package.xml among them.
        problems: What the org has to say about names it could not find.
    """

    files: dict[str, bytes]
    problems: list[str]


class Retrieval:
    """Retrieves from one org.

    Args:
        salesforce: The org.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        self._soap = MetadataSoap(salesforce)
        self._version = salesforce.settings.api_version

    async def retrieve(self, wanted: Mapping[str, Sequence[str]], seconds: float = 60.0) -> Retrieved:
        """The files of components; each look whether they are ready is an API call.

        Args:
            wanted: Full names by kind, `{"CustomObject": ["Site__c"]}`; `*` for all of a kind.
            seconds: How long to wait for them.

        Raises:
            BackendUnavailable: They were not ready in time; ask again.
            Problem: See `faults`.
        """
        types: list[Tree] = [{"members": list(names), "name": kind} for kind, names in wanted.items()]
        package: Tree = {"types": types, "version": self._version}
        arguments: Tree = {
            "retrieveRequest": {"apiVersion": self._version, "singlePackage": True, "unpackaged": package}
        }
        begun = await self._soap.call("retrieve", arguments, _OPERATION, repeatable=True)
        return _retrieved(await self._ready(_text(begun, "result/id"), seconds))

    async def _ready(self, retrieval_id: str, seconds: float) -> Element:
        until, looks = asyncio.get_running_loop().time() + seconds, 0
        while True:
            arguments: Tree = {"asyncProcessId": retrieval_id, "includeZip": True}
            found = await self._soap.call("checkRetrieveStatus", arguments, _OPERATION, repeatable=True)
            if _text(found, "result/status") in _ENDED:
                return found
            pause = _PAUSES[min(looks, len(_PAUSES) - 1)]
            if asyncio.get_running_loop().time() + pause > until:
                raise BackendUnavailable("Salesforce has not gathered the components yet; ask again.")
            await asyncio.sleep(pause)
            looks += 1


def _retrieved(found: Element) -> Retrieved:
    if _text(found, "result/status") != "Succeeded":
        raise BackendFault(f"Salesforce could not retrieve: {said(found.findtext('result/errorMessage') or '')}")
    try:
        package = base64.b64decode(_text(found, "result/zipFile"), validate=True)
    except binascii.Error:
        raise BackendFault("Salesforce sent a package that is not base64.") from None
    problems = [said(each.text or "") for each in found.iterfind("result/messages/problem")]
    return Retrieved(unpacked(package), problems)


def _text(element: Element, path: str) -> str:
    text = (element.findtext(path) or "").strip()
    if not text:
        raise BackendFault("Salesforce answered a retrieval with something else.")
    return text
