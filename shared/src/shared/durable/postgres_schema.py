"""The journal's tables in PostgreSQL, and the step from each schema version to the next."""

from shared.durable.postgres_connection import SCHEMA, Connection

_LOCK = 7_236_478_112  # any number that nothing else in this database locks
_MIGRATIONS = (
    """
    CREATE TABLE flow (
      number           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      flow_id          text COLLATE "C" NOT NULL UNIQUE,
      key              text COLLATE "C" NOT NULL,
      attempt          integer NOT NULL,
      kind             text COLLATE "C" NOT NULL,
      request          bytea NOT NULL,
      context          bytea NOT NULL,
      state            text COLLATE "C" NOT NULL,
      result           bytea,
      problem          bytea,
      compensating     boolean NOT NULL DEFAULT false,
      cancel_requested boolean NOT NULL DEFAULT false,
      in_doubt         boolean NOT NULL DEFAULT false,
      takeovers        integer NOT NULL DEFAULT 0,
      progress         integer NOT NULL DEFAULT 0,      -- settled steps at the last takeover
      fence            bigint NOT NULL,
      owner            text COLLATE "C",                -- worker that has it
      next_at          double precision,                -- due, when no worker has it
      created_at       double precision NOT NULL,
      updated_at       double precision NOT NULL,
      priority         integer NOT NULL DEFAULT 1,
      parent           text COLLATE "C",
      woken            boolean NOT NULL DEFAULT false   -- while a worker had it
    );
    CREATE INDEX flow_due ON flow (kind, priority, next_at) WHERE next_at IS NOT NULL;
    CREATE INDEX flow_owned ON flow (owner) WHERE owner IS NOT NULL;
    CREATE INDEX flow_dead ON flow (number) WHERE state = 'dead';
    CREATE INDEX flow_again ON flow (key, attempt) WHERE attempt > 1;
    CREATE INDEX flow_at_rest ON flow (updated_at) WHERE owner IS NULL AND next_at IS NULL;  -- for retention

    CREATE TABLE step (
      flow        bigint NOT NULL,
      seq         integer NOT NULL,
      operation   text NOT NULL,
      arguments   bytea NOT NULL,
      state       text COLLATE "C" NOT NULL,
      outcome     bytea NOT NULL,
      attempts    integer NOT NULL,
      parks       integer NOT NULL,
      started_at  double precision NOT NULL,
      finished_at double precision NOT NULL,
      retry_at    double precision,
      PRIMARY KEY (flow, seq)
    );

    CREATE TABLE worker (
      worker      text COLLATE "C" PRIMARY KEY,
      place       text NOT NULL,     -- machine, boot and process namespace: where its pid means something
      pid         bigint NOT NULL,
      started     bigint NOT NULL,   -- start time of that process, so that a reused pid is not mistaken for it
      lease       double precision NOT NULL,
      lease_until double precision NOT NULL
    );

    CREATE TABLE signal (
      number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      flow    bigint NOT NULL,
      name    text NOT NULL,
      key     text NOT NULL,
      payload bytea NOT NULL,
      UNIQUE (flow, name, key)
    );

    CREATE TABLE audit (
      number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      flow_id text COLLATE "C" NOT NULL,
      who     text NOT NULL,
      act     text NOT NULL,
      detail  text NOT NULL,
      at      double precision NOT NULL
    );
    CREATE INDEX audit_of_flow ON audit (flow_id, number);
    """,
    """
    CREATE TABLE outbox (
      tx             bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
      number         bigint GENERATED ALWAYS AS IDENTITY,
      event_id       text COLLATE "C" NOT NULL UNIQUE,
      type           text NOT NULL,
      version        integer NOT NULL,
      payload        bytea NOT NULL,
      occurred_at    double precision NOT NULL,
      producer       text NOT NULL,
      traceparent    text NOT NULL,
      correlation_id text NOT NULL,
      published_at   double precision NOT NULL,
      PRIMARY KEY (tx, number)
    );
    CREATE TABLE outbox_trimmed (tx bigint NOT NULL, number bigint NOT NULL);  -- up to here
    INSERT INTO outbox_trimmed VALUES (0, 0);

    CREATE TABLE consumer (
      consumer text COLLATE "C" PRIMARY KEY,
      source   text NOT NULL,
      position text NOT NULL,
      moved_at double precision NOT NULL
    );
    """,
)


async def migrate(connection: Connection) -> None:
    """Bring the schema up to date; raises RuntimeError for one that a newer version wrote."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)  # another process may be opening it too
        if not await connection.fetchval("SELECT 1 FROM pg_namespace WHERE nspname = $1", SCHEMA):
            await connection.execute(f"CREATE SCHEMA {SCHEMA}")
        if not await connection.fetchval("SELECT to_regclass($1)", f"{SCHEMA}.version"):
            await connection.execute("CREATE TABLE version (number integer NOT NULL)")
            await connection.execute("INSERT INTO version VALUES (0)")
        version: int = await connection.fetchval("SELECT number FROM version")
        if version > len(_MIGRATIONS):
            raise RuntimeError(
                f"The journal has schema {version}, this version knows up to {len(_MIGRATIONS)}; run the newer one."
            )
        for script in _MIGRATIONS[version:]:
            await connection.execute(script)
        await connection.execute("UPDATE version SET number = $1", len(_MIGRATIONS))
