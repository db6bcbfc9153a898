"""The tape tells of busted trades."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds the sequence of the trade that a row takes back; 0 in a row that is a trade."""
    op.execute("ALTER TABLE trades ADD COLUMN busts bigint NOT NULL DEFAULT 0 CHECK (busts >= 0)")
