"""OData V2 over the outbound policies: reads, one write, or several as one.

What SAP refuses is a problem by the time it leaves here (`faults`); what is missing is None.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from shared.binding.problems import BackendFault, NotFound
from shared.contracts.system.erp import OrderRejected
from shared.resilience.once import Once
from shared.resilience.outbound import Backend, Classify, Outbound
from shared.resilience.outbound_faults import decode_json
from shared.resilience.wire import WireReply
from shared.security.key_ring import KeyRing
from system_apis.sap.batch import Change, answers, changeset, is_batch
from system_apis.sap.credentials import FETCH, SapSession
from system_apis.sap.faults import NAME, problem_of
from system_apis.sap.idoc.store import IdocStore
from system_apis.sap.logon import logon_of
from system_apis.sap.paths import Paths
from system_apis.sap.records import Single
from system_apis.sap.settings import SapSettings

_T = TypeVar("_T")

_READ = {"accept": "application/json"}
_WRITE = {"accept": "application/json", "content-type": "application/json"}


class SapConnector:
    """One SAP system.

    Args:
        settings: `[backends.sap]`.
        outbound: Makes the backend with its policies.
        keys: Seal what is kept of IDocs.

    Attributes:
        settings: The same.
        outbound: The same, for the interfaces of this system that are not OData.
        paths: Its addresses.
        idocs: What was sent and received as IDocs.
        logon: Says who we are, by all interfaces alike.
    """

    def __init__(self, settings: SapSettings, outbound: Outbound, keys: KeyRing) -> None:
        self.settings = settings
        self.outbound = outbound
        self.paths = Paths(settings)
        self.idocs = IdocStore(settings.idoc.store, settings.idoc.keep_days, keys)
        self._doubts = outbound.doubts
        # a backend of its own: a write that waits for a token must not wait behind the writes that do the same
        self._logon = outbound.backend(f"{NAME} logon", settings, credentials=None, classify=problem_of)
        self.logon = logon_of(settings, outbound)
        self._session = SapSession(self.logon, self._fetch_token)
        self._backend: Backend = outbound.backend(NAME, settings, credentials=self._session, classify=problem_of)

    async def aclose(self) -> None:
        """Close what is kept of IDocs."""
        await self.idocs.aclose()

    def once(self, document: str, *, by_odata: bool = True) -> Once[Any]:
        """Makes documents that SAP would make twice; `document` says which, in a word.

        OData needs its session before anything is marked; functions and IDocs know no CSRF token.
        """
        ready = self._session.open if by_odata else None
        return Once(self._doubts, NAME, document, self.settings.settle_seconds, ready)

    async def read(self, path: str, kind: type[_T], operation: str) -> _T | None:
        """What is at a path, as `kind`; None when SAP says that there is no such record.

        Raises:
            Problem: As `Backend.send` and `faults.problem_of`; `BackendFault` if it is not of that kind.
        """
        try:
            reply = await self._backend.send("GET", path, headers=_READ, operation=operation)
        except NotFound:
            return None
        except OrderRejected as refused:
            raise BackendFault("SAP refuses to read this for our user.", extensions=refused.extensions) from None
        return decode_json(reply, kind, backend=NAME)

    async def create(
        self, path: str, body: msgspec.Struct, kind: type[_T], operation: str, *, repeatable: bool = False
    ) -> tuple[_T, WireReply]:
        """Post an entity; returns what SAP made of it, and the reply with its remarks.

        Args:
            path: With query.
            body: Encoded as JSON.
            kind: What the answer holds.
            operation: Names the span.
            repeatable: Whether posting it twice is harmless.
        """
        await self._session.open()
        encoded = msgspec.json.encode(body)
        reply = await self._backend.send(
            "POST", path, headers=_WRITE, body=encoded, operation=operation, repeatable=repeatable
        )
        return decode_json(reply, Single[kind], backend=NAME).d, reply

    async def post(
        self,
        path: str,
        body: bytes,
        media_type: str,
        operation: str,
        *,
        classify: Classify | None = None,
        repeatable: bool = False,
    ) -> WireReply:
        """Post a document with the session's token.

        Args:
            path: With query.
            body: As it goes.
            media_type: What the body is, and what the answer is to be.
            operation: Names the span.
            classify: What an answer means, where that is not all in its status.
            repeatable: Whether posting it twice is harmless; else it is never sent again by itself.
        """
        await self._session.open()
        headers = {"accept": media_type, "content-type": media_type}
        return await self._backend.send(
            "POST", path, headers=headers, body=body, operation=operation, classify=classify, repeatable=repeatable
        )

    async def change(self, batch: str, changes: list[Change], operation: str) -> None:
        """Make all these changes at the service of a `$batch`, or none; repeating them must be harmless.

        Raises:
            PreconditionFailed: One was changed by somebody else meanwhile.
            Problem: As `read`.
        """
        await self._session.open()
        content_type, body = changeset(changes)
        reply = await self._backend.send(
            "POST",
            batch,
            headers={"accept": "multipart/mixed", "content-type": content_type},
            body=body,
            operation=operation,
            repeatable=True,
        )
        if not is_batch(reply) or len(answers(reply)) != len(changes):
            raise BackendFault("SAP did not answer every change of a batch; whether all took effect is unknown.")

    async def post_document(
        self, path: str, body: bytes, operation: str, classify: Classify, *, repeatable: bool
    ) -> WireReply:
        """Post an XML document to one of SAP's doors that are not OData.

        Args:
            path: With query.
            body: In UTF-8.
            operation: Names the span.
            classify: What an answer means.
            repeatable: Whether posting it twice is harmless.
        """
        headers = {"content-type": "text/xml; charset=utf-8", "soapaction": '""'}
        return await self._backend.send(
            "POST", path, headers=headers, body=body, operation=operation, classify=classify, repeatable=repeatable
        )

    async def _fetch_token(self, credentials: Mapping[str, str]) -> WireReply:
        return await self._logon.send(
            "GET", self.paths.session, headers={**FETCH, **credentials}, operation="fetch_csrf_token"
        )
