"""One checkpoint a shard, and the tape."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Makes the tables."""
    op.execute(
        """
        CREATE TABLE checkpoints (
            shard integer PRIMARY KEY,
            incarnation text NOT NULL,
            sequence bigint NOT NULL CHECK (sequence > 0),
            state bytea NOT NULL
        );
        -- Written about once a second: neither compressed nor worth it.
        ALTER TABLE checkpoints ALTER COLUMN state SET STORAGE EXTERNAL;
        CREATE TABLE trades (
            shard integer NOT NULL,
            symbol text NOT NULL,
            symbol_sequence bigint NOT NULL,
            sequence bigint NOT NULL,
            price_e4 bigint NOT NULL CHECK (price_e4 > 0),
            quantity bigint NOT NULL CHECK (quantity > 0),
            taker_side smallint NOT NULL CHECK (taker_side IN (1, 2)),
            time_us bigint NOT NULL,
            PRIMARY KEY (shard, symbol, symbol_sequence)
        );
        """
    )
