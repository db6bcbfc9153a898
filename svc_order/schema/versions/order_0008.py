"""By which leases orders stand."""

from alembic import op

revision = "order_0008"
down_revision = "order_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a column with what an older version, which does not name it, means by leaving it out."""
    op.execute("ALTER TABLE orders ADD COLUMN lease text NOT NULL DEFAULT ''")
