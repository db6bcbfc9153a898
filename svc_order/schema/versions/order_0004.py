"""What busted trades take of an order."""

from alembic import op

revision = "order_0004"
down_revision = "order_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds columns with what an older version, which does not name them, means by leaving them out."""
    op.execute(
        """
        ALTER TABLE orders
            ADD COLUMN busted_quantity bigint NOT NULL DEFAULT 0,
            ADD COLUMN busted_amount_e4 bigint NOT NULL DEFAULT 0,
            ADD COLUMN busted_fees_e4 bigint NOT NULL DEFAULT 0
        """
    )
