"""The tape tells of which trades are of an auction."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds it; there was no auction so far."""
    op.execute("ALTER TABLE trades ADD COLUMN auction boolean NOT NULL DEFAULT false")
