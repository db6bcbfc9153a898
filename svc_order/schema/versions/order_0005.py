"""The limit that orders have once their stop price is reached."""

from alembic import op

revision = "order_0005"
down_revision = "order_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds a column with what an older version, which does not name it, means by leaving it out."""
    op.execute("ALTER TABLE orders ADD COLUMN stop_limit_price_e4 bigint NOT NULL DEFAULT 0")
