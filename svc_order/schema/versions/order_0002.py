"""Terms of orders, whether a stop was triggered, and by which of its own rules an order ended."""

from alembic import op

revision = "order_0002"
down_revision = "order_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds columns with what an older version, which does not name them, means by leaving them out."""
    op.execute(
        """
        ALTER TABLE orders
            ADD COLUMN stop_price_e4 bigint NOT NULL DEFAULT 0,
            ADD COLUMN stop_trigger smallint NOT NULL DEFAULT 0,
            ADD COLUMN display_quantity bigint NOT NULL DEFAULT 0,
            ADD COLUMN hidden boolean NOT NULL DEFAULT false,
            ADD COLUMN post_only smallint NOT NULL DEFAULT 0,
            ADD COLUMN minimum_quantity bigint NOT NULL DEFAULT 0,
            ADD COLUMN self_trade_prevention smallint NOT NULL DEFAULT 0,
            ADD COLUMN triggered boolean NOT NULL DEFAULT false,
            ADD COLUMN done_reason smallint NOT NULL DEFAULT 0
        """
    )
