"""Cross-references in a database of our own, SQLite or PostgreSQL (`shared.sql`): one table, made at first."""

from shared.host.api import Api
from system_apis.cross_references.service import SqlCrossReferences

__all__ = ["SqlCrossReferences", "api"]

api = Api(service=SqlCrossReferences, vendor="cross_references")
