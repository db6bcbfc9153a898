"""How far stops trail."""

from alembic import op

revision = "order_0003"
down_revision = "order_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds columns with what an older version, which does not name them, means by leaving them out."""
    op.execute(
        """
        ALTER TABLE orders
            ADD COLUMN trailing_amount_e4 bigint NOT NULL DEFAULT 0,
            ADD COLUMN trailing_bp integer NOT NULL DEFAULT 0
        """
    )
