"""Where a snapshot's state arrives in pieces, before the statement that stores it."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """One draft a shard; what a crash leaves of it is written anew."""
    op.execute("""
        CREATE UNLOGGED TABLE snapshot_draft (
            shard integer PRIMARY KEY,
            state bytea NOT NULL
        );
        ALTER TABLE snapshot_draft ALTER state SET STORAGE EXTERNAL;
    """)


def downgrade() -> None:
    """Only the next snapshot would miss it."""
    op.execute("DROP TABLE snapshot_draft")
