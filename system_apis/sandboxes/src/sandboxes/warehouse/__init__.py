"""A warehouse management system that is reached the way many are: through its SQL database."""

from sandboxes.kit import DatabaseSandbox
from sandboxes.warehouse.database import create_database, seed_rows
from sandboxes.warehouse.schema import POSTGRESQL, SQLITE

__all__ = ["POSTGRESQL", "SQLITE", "create_database", "sandbox", "seed_rows"]

sandbox = DatabaseSandbox(name="warehouse", create=create_database)
