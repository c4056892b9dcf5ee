"""Telling SAP what became of the documents it sent (ALEAUD), some time after they were taken in."""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from shared.binding.problems import Problem
from shared.telemetry.logging import get_logger
from system_apis.sap.connector import SapConnector
from system_apis.sap.idoc import door
from system_apis.sap.idoc.document import Idoc, Segment, segment
from system_apis.sap.idoc.kept import KeptIdoc
from system_apis.sap.idoc.order_document import control_of_ours
from system_apis.sap.idoc.types.confirmations import E1ADHDR, E1PRTOB, E1STATE, MOST_CONFIRMED
from system_apis.sap.settings import SapSettings

_log = get_logger("sap.idoc")
_LOOKS_EVERY = 30.0
"""Seconds between looks for what another process took in, or SAP would not hear before."""


class IdocConfirmations:
    """Tells what is to be told, as soon as it can; nothing unless the settings say so.

    Told twice does no harm: SAP writes the same status again.

    Args:
        sap: The system.
    """

    def __init__(self, sap: SapConnector) -> None:
        self._sap = sap
        self._news = asyncio.Event()
        self._telling: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin, if SAP is to be told."""
        if self._sap.settings.idoc.confirm:
            self._telling = asyncio.create_task(self._tell_on(), name="idoc confirmations")

    async def aclose(self) -> None:
        """Stop; what is untold is told after the next start."""
        if self._telling is not None:
            self._telling.cancel()
            with suppress(asyncio.CancelledError):
                await self._telling

    def wake(self) -> None:
        """Something was taken in."""
        self._news.set()

    async def tell(self) -> int:
        """Tell all there is to tell; returns of how many documents.

        Raises:
            Problem: SAP does not take a confirmation now; it and those behind it stay to be told.
        """
        count = 0
        while documents := await self._sap.idocs.unconfirmed(MOST_CONFIRMED):
            write, classify = door.written_by(self._sap.settings.idoc)
            path = door.path_of(self._sap.settings.idoc, self._sap.settings.client)
            body = write(confirmation(documents, self._sap.settings, datetime.now(UTC)))
            await self._sap.post_document(path, body, "confirm_idocs", classify, repeatable=True)
            await self._sap.idocs.note_confirmed([one.position for one in documents])
            count += len(documents)
        return count

    async def _tell_on(self) -> None:
        while True:
            self._news.clear()
            try:
                await self.tell()
            except Problem as problem:
                _log.warning("idoc.confirmation.delayed", problem=problem.slug)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOKS_EVERY):
                    await self._news.wait()


def confirmation(documents: Sequence[KeptIdoc], settings: SapSettings, now: datetime) -> Idoc:
    """The ALEAUD about received documents of one message type, at least one."""
    states = [_state(one, settings, now) for one in documents]
    digest = hashlib.sha256("\n".join(one.identity for one in documents).encode()).hexdigest()
    number, key = f"{int(digest[:14], 16) % 10**16:016d}", f"{door.MESSAGE_ID}{digest[:32]}"
    control = control_of_ours(settings, "ALEAUD01", "ALEAUD", number, key, now)
    return Idoc(control, (segment(E1ADHDR(MESTYP=documents[0].message_type), *states),))


def _state(kept: KeptIdoc, settings: SapSettings, now: datetime) -> Segment:
    state = E1STATE(
        DOCNUM=kept.docnum,
        LOGDAT=f"{now:%Y%m%d}",
        LOGTIM=f"{now:%H%M%S}",
        STATUS=kept.status,
        STATYP="S",
        STATXT=kept.status_text[:70],
    )
    return segment(state, segment(E1PRTOB(DOCNUM=f"{kept.position:016d}", LOGSYS=settings.idoc.partner)))
