"""Until when GTD orders stand."""

from alembic import op

revision = "order_0007"
down_revision = "order_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds columns with what an older version, which does not name them, means by leaving them out."""
    op.execute(
        """
        ALTER TABLE orders
            ADD COLUMN expire_date integer NOT NULL DEFAULT 0,
            ADD COLUMN expire_time_us bigint NOT NULL DEFAULT 0
        """
    )
