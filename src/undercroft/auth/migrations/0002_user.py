"""Create table auth_user, for projects that declare no user of their own."""

import sqlalchemy as sa
from alembic import op

from undercroft.auth.users import has_own_user

revision = "auth_0002"
down_revision = "auth_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    if has_own_user():
        return
    op.create_table(
        "auth_user",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("username", sa.String(length=150), nullable=False),
        sa.Column("username_key", sa.String(length=450), nullable=False),
        sa.Column("first_name", sa.String(length=150), nullable=False),
        sa.Column("last_name", sa.String(length=150), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_key", sa.String(length=762), nullable=True),
        sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_staff", sa.Boolean(), nullable=False),
        sa.Column("date_joined", sa.DateTime(timezone=True), nullable=False),
        sa.Column("password", sa.String(length=256), nullable=False),
        sa.Column("last_login", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_superuser", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_auth_user"),
        sa.UniqueConstraint("email_key", name="uq_auth_user_email_key"),
        sa.UniqueConstraint("username_key", name="uq_auth_user_username_key"),
    )
    op.create_table(
        "auth_user_groups",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["auth_group.id"],
            name="fk_auth_user_groups_group_id_auth_group",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth_user.id"],
            name="fk_auth_user_groups_user_id_auth_user",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_auth_user_groups"),
        sa.UniqueConstraint("user_id", "group_id", name="uq_auth_user_groups_user_id_group_id"),
    )
    op.create_index("ix_auth_user_groups_group_id", "auth_user_groups", ["group_id"], unique=False)
    op.create_index("ix_auth_user_groups_user_id", "auth_user_groups", ["user_id"], unique=False)
    op.create_table(
        "auth_user_user_permissions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "permission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["permission_id"],
            ["auth_permission.id"],
            name="fk_auth_user_user_permissions_permission_id_auth_permission",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["auth_user.id"],
            name="fk_auth_user_user_permissions_user_id_auth_user",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_auth_user_user_permissions"),
        sa.UniqueConstraint(
            "user_id", "permission_id", name="uq_auth_user_user_permissions_user_id_permission_id"
        ),
    )
    op.create_index(
        "ix_auth_user_user_permissions_permission_id",
        "auth_user_user_permissions",
        ["permission_id"],
        unique=False,
    )
    op.create_index(
        "ix_auth_user_user_permissions_user_id",
        "auth_user_user_permissions",
        ["user_id"],
        unique=False,
    )


def downgrade() -> None:
    """Drop the tables."""
    if has_own_user():
        return
    op.drop_table("auth_user_user_permissions")
    op.drop_table("auth_user_groups")
    op.drop_table("auth_user")
