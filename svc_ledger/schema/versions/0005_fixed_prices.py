"""Orders that are held at one price, whatever price a replace of them names."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds what tells them; those that are open stay as they were, and end with their date."""
    op.execute("ALTER TABLE holds ADD COLUMN fixed_price boolean NOT NULL DEFAULT false")
