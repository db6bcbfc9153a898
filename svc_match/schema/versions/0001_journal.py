"""The incarnation, the leases, the journal and the snapshots. The role that owns them is the only one that sees them."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Creates the tables; the incarnation is made here, at the first start of the database."""
    op.execute("""
        CREATE TABLE exchange (
            single boolean PRIMARY KEY DEFAULT true CHECK (single),
            incarnation text NOT NULL CHECK (incarnation ~ '^[0-9a-f]{32}$')
        );
        INSERT INTO exchange (incarnation) VALUES (replace(gen_random_uuid()::text, '-', ''));

        CREATE TABLE lease (
            shard integer PRIMARY KEY CHECK (shard BETWEEN 0 AND 32767),
            epoch bigint NOT NULL DEFAULT 0,
            pids integer[] NOT NULL DEFAULT '{}'
        );

        CREATE TABLE journal (
            shard integer NOT NULL REFERENCES lease,
            first_sequence bigint NOT NULL CHECK (first_sequence > 0),
            last_sequence bigint NOT NULL CHECK (last_sequence >= first_sequence),
            incarnation text NOT NULL,
            epoch bigint NOT NULL,
            time_us bigint NOT NULL,
            semantics integer NOT NULL,
            identity_date integer NOT NULL,
            commands bytea NOT NULL,
            identities bytea NOT NULL,
            executions bytea[] NOT NULL,
            market_data bytea[] NOT NULL,
            symbols text[] NOT NULL CHECK (cardinality(symbols) = cardinality(market_data)),
            traces text[] NOT NULL,
            size bigint NOT NULL,
            checksum bytea NOT NULL,
            PRIMARY KEY (shard, first_sequence)
        );
        CREATE INDEX journal_identity_date ON journal (shard, identity_date);
        ALTER TABLE journal
            ALTER commands SET STORAGE EXTERNAL, ALTER identities SET STORAGE EXTERNAL,
            ALTER executions SET STORAGE EXTERNAL, ALTER market_data SET STORAGE EXTERNAL;

        CREATE TABLE snapshot (
            shard integer NOT NULL REFERENCES lease,
            sequence bigint NOT NULL,
            epoch bigint NOT NULL,
            semantics integer NOT NULL,
            time_us bigint NOT NULL,
            row_checksum bytea NOT NULL,
            state bytea NOT NULL,
            checksum bytea NOT NULL,
            PRIMARY KEY (shard, sequence)
        );
        ALTER TABLE snapshot ALTER state SET STORAGE EXTERNAL;
    """)


def downgrade() -> None:
    """The journal is the truth: it is never dropped by a migration."""
    raise NotImplementedError
