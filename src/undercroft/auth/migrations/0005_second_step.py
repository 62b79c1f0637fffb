"""Create the tables of the second step of log-ins, for users of whichever model."""

import sqlalchemy as sa
from alembic import op

from undercroft.auth.references import find_user_migrations, refer_to_user

revision = "auth_0005"
down_revision = "auth_0004"
branch_labels = None
depends_on = find_user_migrations()


def upgrade() -> None:
    """Create the tables."""
    user = refer_to_user()
    op.create_table(
        "auth_secondfactor",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(user.column, user.type, nullable=False),
        sa.Column("secret", sa.String(length=64), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_counter", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            [user.column],
            [user.target],
            name=f"fk_auth_secondfactor_{user.suffix}",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_auth_secondfactor"),
        sa.UniqueConstraint(user.column, name="uq_auth_secondfactor_user_id"),
    )
    op.create_table(
        "auth_recoverycode",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(user.column, user.type, nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            [user.column],
            [user.target],
            name=f"fk_auth_recoverycode_{user.suffix}",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_auth_recoverycode"),
        sa.UniqueConstraint(user.column, "code_hash", name="auth_recoverycode_once"),
    )
    op.create_index("ix_auth_recoverycode_user_id", "auth_recoverycode", ["user_id"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("auth_recoverycode")
    op.drop_table("auth_secondfactor")
