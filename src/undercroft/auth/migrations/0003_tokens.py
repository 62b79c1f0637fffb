"""Create table auth_token, whose rows belong to users of whichever model."""

import sqlalchemy as sa
from alembic import op

from undercroft.auth.references import find_user_migrations, refer_to_user

revision = "auth_0003"
down_revision = "auth_0002"
branch_labels = None
depends_on = find_user_migrations()


def upgrade() -> None:
    """Create the table."""
    user = refer_to_user()
    op.create_table(
        "auth_token",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(user.column, user.type, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("prefix", sa.String(length=11), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            [user.column], [user.target], name=f"fk_auth_token_{user.suffix}", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_auth_token"),
        sa.UniqueConstraint("key_hash", name="uq_auth_token_key_hash"),
    )
    op.create_index("ix_auth_token_user_id", "auth_token", ["user_id"], unique=False)


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("auth_token")
