"""The database of cross-references."""

from shared.sql.database import Database, DatabaseSettings
from system_apis.cross_references.transactions import SCHEMA

NAME = "cross-references"


class CrossReferenceSettings(DatabaseSettings, frozen=True, kw_only=True):
    """`[backends.cross_references]` of a topology; every process that serves the API names the same database.

    Attributes:
        remember_seconds: How long a process answers what it was asked before without asking the database; so long a
            key that another process removed may still be told. 0 asks each time.
        remember_most: Things of which it remembers that.
    """

    remember_seconds: float = 10.0
    remember_most: int = 20_000


class CrossReferenceDatabase(Database):
    """Runs transactions on it.

    Raises:
        ValueError: The URL is of no known kind, or holds a password.
    """

    def __init__(self, settings: CrossReferenceSettings) -> None:
        super().__init__(NAME, settings, SCHEMA)
