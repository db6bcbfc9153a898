"""Orders, the drop copy, and how far both are."""

from alembic import op

revision = "order_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables."""
    op.execute(
        """
        CREATE TABLE positions (
            shard integer PRIMARY KEY,
            incarnation text NOT NULL,
            sequence bigint NOT NULL CHECK (sequence >= 0),
            taker_order_id bigint NOT NULL DEFAULT 0,
            taker_client_order_id text NOT NULL DEFAULT ''
        );
        CREATE TABLE orders (
            order_id bigint PRIMARY KEY,
            participant text NOT NULL,
            account text NOT NULL,
            client_order_id text NOT NULL,
            trading_date integer NOT NULL,
            symbol text NOT NULL,
            side smallint NOT NULL,
            type smallint NOT NULL,
            time_in_force smallint NOT NULL,
            price_e4 bigint NOT NULL,
            quantity bigint NOT NULL,
            executed_quantity bigint NOT NULL,
            open_quantity bigint NOT NULL CHECK (open_quantity >= 0),
            executed_amount_e4 bigint NOT NULL,
            fees_e4 bigint NOT NULL,
            state smallint NOT NULL CHECK (state BETWEEN 1 AND 4),
            create_time_us bigint NOT NULL,
            update_time_us bigint NOT NULL,
            last_sequence bigint NOT NULL,
            refusal text NOT NULL
        ) WITH (fillfactor = 85);
        CREATE INDEX orders_of_participant ON orders (participant, create_time_us, order_id);
        CREATE INDEX orders_by_time ON orders (create_time_us, order_id);
        CREATE INDEX orders_by_client_order_id ON orders (account, client_order_id);
        CREATE TABLE drop_copy (
            shard integer NOT NULL,
            participant text NOT NULL,
            first_sequence bigint NOT NULL,
            last_sequence bigint NOT NULL CHECK (last_sequence >= first_sequence),
            updates bytea NOT NULL,
            PRIMARY KEY (shard, participant, last_sequence)
        );
        """
    )
