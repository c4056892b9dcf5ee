"""Where the flows of a process are kept: a file of its own, or the PostgreSQL database that the topology names."""

from pathlib import Path

from shared.durable.journal import Journal
from shared.durable.journal_sqlite import SqliteJournal
from shared.host.topology import Topology, TopologyRefused
from shared.security.secrets import Secret


def journal_of(topology: Topology, file: Path) -> Journal:
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
        from shared.durable.journal_postgres import PostgresJournal  # noqa: PLC0415 - its driver is optional
    except ModuleNotFoundError:
        raise TopologyRefused(
            f"{topology.name}: a journal in PostgreSQL needs asyncpg; install triptych-shared[postgres]."
        ) from None
    try:
        password = Secret(topology.journal_password).reveal if topology.journal_password else None
        return PostgresJournal(topology.journal, password)
    except ValueError as error:
        raise TopologyRefused(f"{topology.name}: journal: {error}") from None
