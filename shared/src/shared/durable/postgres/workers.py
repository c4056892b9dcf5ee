"""Leases of workers in the PostgreSQL journal."""

from shared.durable.postgres.connection import Connection, PostgresServer
from shared.durable.process_identity import ProcessIdentity, is_gone, this_process

_FORGET_AFTER = 3600.0
_RENEW = """
INSERT INTO worker (worker, place, pid, started, lease, lease_until) VALUES ($1, $2, $3, $4, $5, {now} + $5)
ON CONFLICT (worker) DO UPDATE SET lease = excluded.lease, lease_until = excluded.lease_until"""
# The server's clock may step back; no lease then reaches further than a whole one.
_CUT = "UPDATE worker SET lease_until = {now} + lease WHERE lease_until > {now} + lease"
_HERE = "SELECT worker, place, pid, started FROM worker WHERE place = $1"
_FORGET = f"DELETE FROM worker WHERE worker = ANY($1::text[]) OR lease_until < {{now}} - {_FORGET_AFTER}"  # noqa: S608
_TO_CANCEL = "SELECT flow_id FROM flow WHERE owner = $1 AND cancel_requested"


class PostgresWorkers:
    """Who is alive, by the server's clock; and by what the operating system knows of processes of this machine.

    Args:
        server: Whose clock counts.
    """

    def __init__(self, server: PostgresServer) -> None:
        self._sql = server.sql

    async def renew(self, connection: Connection, worker: str, lease: float) -> frozenset[str]:
        """See `Journal.renew`."""
        me = this_process()
        await connection.execute(self._sql(_RENEW), worker, *me, lease)
        await connection.execute(self._sql(_CUT))
        here = await connection.fetch(_HERE, me.place)
        gone = [name for name, *process in here if is_gone(ProcessIdentity(*process))]
        await connection.execute(self._sql(_FORGET), gone)
        return frozenset(flow_id for (flow_id,) in await connection.fetch(_TO_CANCEL, worker))

    async def leave(self, connection: Connection, worker: str) -> None:
        """See `Journal.leave`."""
        await connection.execute("DELETE FROM worker WHERE worker = $1", worker)
