"""Create table sessions_storedsession."""

import sqlalchemy as sa
from alembic import op

revision = "sessions_0001"
down_revision = None
branch_labels = ("sessions",)
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "sessions_storedsession",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("user_key", sa.String(length=255), nullable=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sessions_storedsession"),
        sa.UniqueConstraint("key_hash", name="uq_sessions_storedsession_key_hash"),
    )
    op.create_index(
        "ix_sessions_storedsession_expires_at",
        "sessions_storedsession",
        ["expires_at"],
        unique=False,
    )
    op.create_index(
        "ix_sessions_storedsession_user_key", "sessions_storedsession", ["user_key"], unique=False
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("sessions_storedsession")
