"""The database of cross-references."""

from shared.sql.database import Database, DatabaseSettings
from system_apis.cross_references.transactions import SCHEMA

NAME = "cross-references"


class CrossReferenceSettings(DatabaseSettings, frozen=True, kw_only=True):
    """`[backends.cross_references]` of a topology; every process that serves the API names the same database."""


class CrossReferenceDatabase(Database):
    """Runs transactions on it.

    Raises:
        ValueError: The URL is of no known kind, or holds a password.
    """

    def __init__(self, settings: CrossReferenceSettings) -> None:
        super().__init__(NAME, settings, SCHEMA)
