"""Create table blog_author; Create table blog_blogpost."""

import sqlalchemy as sa
from alembic import op

revision = "blog_0001"
down_revision = None
branch_labels = ("blog",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blog_author",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_blog_author"),
        sa.UniqueConstraint("email", name="uq_blog_author_email"),
    )
    op.create_table(
        "blog_blogpost",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("pub_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "author_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["blog_author.id"],
            name="fk_blog_blogpost_author_id_blog_author",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_blog_blogpost"),
    )
    op.create_index("ix_blog_blogpost_author_id", "blog_blogpost", ["author_id"], unique=False)


def downgrade() -> None:
    op.drop_table("blog_blogpost")
    op.drop_table("blog_author")
