"""What parts posted of a pending transfer, while the rest stayed pending."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the sum of the parts; none has been posted so far."""
    op.execute("ALTER TABLE transfers ADD COLUMN pending_parted int8")
    op.execute("UPDATE transfers SET pending_parted = 0 WHERE pending_state IS NOT NULL")
    op.execute(
        "ALTER TABLE transfers ADD CHECK ((flags & 2 <> 0) = (pending_parted IS NOT NULL)), "
        "ADD CHECK (pending_parted BETWEEN 0 AND amount)"
    )
