"""Create table auth_refreshfamily, whose rows belong to users of whichever model."""

import sqlalchemy as sa
from alembic import op

from undercroft.auth.references import find_user_migrations, refer_to_user

revision = "auth_0004"
down_revision = "auth_0003"
branch_labels = None
depends_on = find_user_migrations()


def upgrade() -> None:
    """Create the table."""
    user = refer_to_user()
    op.create_table(
        "auth_refreshfamily",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(user.column, user.type, nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refreshed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            [user.column],
            [user.target],
            name=f"fk_auth_refreshfamily_{user.suffix}",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_auth_refreshfamily"),
        sa.UniqueConstraint("key", name="uq_auth_refreshfamily_key"),
    )
    for column in (user.column, "expires_at"):
        op.create_index(
            f"ix_auth_refreshfamily_{column}", "auth_refreshfamily", [column], unique=False
        )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("auth_refreshfamily")
