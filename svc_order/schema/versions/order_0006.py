"""What orders are pegged to."""

from alembic import op

revision = "order_0006"
down_revision = "order_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds columns with what an older version, which does not name them, means by leaving them out."""
    op.execute(
        """
        ALTER TABLE orders
            ADD COLUMN peg smallint NOT NULL DEFAULT 0,
            ADD COLUMN peg_offset_e4 bigint NOT NULL DEFAULT 0
        """
    )
