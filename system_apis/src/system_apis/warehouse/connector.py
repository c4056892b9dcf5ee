"""The warehouse's database."""

from shared.sql.database import Database, DatabaseSettings

NAME = "warehouse"


class WarehouseSettings(DatabaseSettings, frozen=True, kw_only=True):
    """`[backends.warehouse]` of a topology.

    Attributes:
        sweep_seconds: Seconds between sweeps that give back what expired holds take; 0 for none. Without
            them expired holds still do not count, they only stay marked as active for longer.
    """

    sweep_seconds: float = 30.0


class WarehouseDatabase(Database):
    """Runs transactions on it.

    Raises:
        ValueError: The URL is of no known kind, or holds a password.
    """

    def __init__(self, settings: WarehouseSettings) -> None:
        super().__init__(NAME, settings)
        self.settings = settings
