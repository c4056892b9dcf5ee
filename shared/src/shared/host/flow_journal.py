"""Where flows are kept, and how long: a file, or the PostgreSQL database that the topology names; then the archive."""

from pathlib import Path

from shared.durable.archive_folder import ArchiveFolder
from shared.durable.journal_retention import FOREVER, Ages, RetentionJournal
from shared.durable.sqlite.journal import SqliteJournal
from shared.host.topology import Topology, TopologyRefused
from shared.security.secrets import Secret


def journal_of(topology: Topology, file: Path) -> RetentionJournal:
    """The journal, not yet open.

    Args:
        topology: Its `journal` is empty, or the URL of a database that any number of processes may share.
        file: Holds the journal when `journal` is empty.

    Raises:
        TopologyRefused: The URL or the reference to its password cannot be used.
    """
    if not topology.journal:
        return SqliteJournal(file)
    if not topology.journal.startswith(("postgresql://", "postgres://")):
        raise TopologyRefused(
            f"{topology.name}: journal must be postgresql://user@host/database; leave it out for a file."
        )
    try:
        from shared.durable.postgres.journal import PostgresJournal  # noqa: PLC0415 - its driver is optional
    except ModuleNotFoundError:
        raise TopologyRefused(
            f"{topology.name}: a journal in PostgreSQL needs asyncpg; install triptych-shared[postgres]."
        ) from None
    try:
        password = Secret(topology.journal_password).reveal if topology.journal_password else None
        return PostgresJournal(topology.journal, password)
    except ValueError as error:
        raise TopologyRefused(f"{topology.name}: journal: {error}") from None


def archive_of(topology: Topology, state: Path) -> ArchiveFolder:
    """The archive of a topology with this state directory."""
    return ArchiveFolder(Path(topology.retention.archive.replace("{state}", str(state.resolve()))))


def ages_of(topology: Topology, least: float | None = None) -> Ages:
    """How long flows of a topology stay once they have ended.

    Args:
        topology: Its `retention` counts.
        least: Seconds instead of its `days`; a kind that stays longer still does.
    """
    kinds = {name: _seconds(days) for name, days in topology.retention.kinds.items()}
    if least is None:
        return Ages(_seconds(topology.retention.days), kinds)
    return Ages(least, {name: max(least, seconds) for name, seconds in kinds.items()})


def age_of_events(topology: Topology) -> float:
    """Seconds for which events of a topology are kept at least."""
    return _seconds(topology.retention.events)


def _seconds(days: float) -> float:
    return days * 86_400 or FOREVER
