"""Create the tables of groups, permissions and attempts to log in."""

import sqlalchemy as sa
from alembic import op

revision = "auth_0001"
down_revision = None
branch_labels = ("auth",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "auth_group",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=150), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_auth_group"),
        sa.UniqueConstraint("name", name="uq_auth_group_name"),
    )
    op.create_table(
        "auth_loginattempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("waits_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_auth_loginattempts"),
        sa.UniqueConstraint("key", name="uq_auth_loginattempts_key"),
    )
    op.create_index(
        "ix_auth_loginattempts_last_at", "auth_loginattempts", ["last_at"], unique=False
    )
    op.create_table(
        "auth_permission",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("app_label", sa.String(length=100), nullable=False),
        sa.Column("codename", sa.String(length=100), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_auth_permission"),
        sa.UniqueConstraint("app_label", "codename", name="auth_permission_once"),
    )
    op.create_table(
        "auth_group_permissions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("group_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "permission_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["auth_group.id"],
            name="fk_auth_group_permissions_group_id_auth_group",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["permission_id"],
            ["auth_permission.id"],
            name="fk_auth_group_permissions_permission_id_auth_permission",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_auth_group_permissions"),
        sa.UniqueConstraint(
            "group_id", "permission_id", name="uq_auth_group_permissions_group_id_permission_id"
        ),
    )
    op.create_index(
        "ix_auth_group_permissions_group_id", "auth_group_permissions", ["group_id"], unique=False
    )
    op.create_index(
        "ix_auth_group_permissions_permission_id",
        "auth_group_permissions",
        ["permission_id"],
        unique=False,
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("auth_group_permissions")
    op.drop_table("auth_permission")
    op.drop_table("auth_loginattempts")
    op.drop_table("auth_group")
