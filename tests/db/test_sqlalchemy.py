# ruff: noqa: PT012 - what a block does with an exception is what is tested
"""SQLAlchemy in the open: its classes, statements, loading options and sessions on our models."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    aliased,
    contains_eager,
    defer,
    joinedload,
    load_only,
    mapped_column,
    raiseload,
    relationship,
    selectinload,
    subqueryload,
)
from sqlalchemy.orm import Session as SASession
from sqlalchemy.orm.exc import DetachedInstanceError, StaleDataError

from tests.db import island_models
from tests.db.conftest import Run
from tests.db.shop_models import Author, Book, Publisher, Review, make_author
from undercroft import models
from undercroft.db.connections.databases import databases
from undercroft.db.connections.transactions import atomic
from undercroft.db.sessions import async_session, session
from undercroft.errors import TransactionConflict

pytestmark = pytest.mark.usefixtures("database")

tagging = sa.Table(
    "open_tagging",
    models.Model.metadata,
    sa.Column("post_id", sa.ForeignKey("open_post.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("tag_id", sa.ForeignKey("open_tag.id", ondelete="CASCADE"), primary_key=True),
)


class Writer(models.Model):
    """Declared our way, with SQLAlchemy's relation to the other side beside it."""

    name = models.CharField(max_length=50)
    posts: Mapped[list["Post"]] = relationship(back_populates="writer", viewonly=True)

    class Meta:
        db_table = "open_writer"

    @hybrid_property
    def shout(self) -> str:
        """The name in capitals, in Python and in SQL."""
        return self.name.upper()

    @shout.inplace.expression
    @classmethod
    def _shout(cls) -> Any:
        return sa.func.upper(cls.name)


class Post(models.Model):
    """Declared SQLAlchemy's way, with one of our foreign keys and a version for its Session."""

    __tablename__ = "open_post"
    __table_args__ = (
        sa.UniqueConstraint("title", name="uq_open_heading"),
        {"info": {"kept": True}},
    )

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    heading: Mapped[str] = mapped_column("title", sa.String(100))
    words: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=1)
    writer = models.ForeignKey(Writer, on_delete=models.CASCADE, related_name="+")
    writer_id: Mapped[int]
    tags: Mapped[list["Tag"]] = relationship(secondary=tagging, back_populates="posts")

    __mapper_args__ = {"version_id_col": version}


class Tag(models.Model):
    """Declared SQLAlchemy's way throughout."""

    __tablename__ = "open_tag"

    id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    text: Mapped[str] = mapped_column(sa.String(50), unique=True)
    posts: Mapped[list[Post]] = relationship(secondary=tagging, back_populates="tags")


@pytest.fixture
def rows(database: str) -> None:
    """Two writers, three posts, two tags, written by a Session."""
    with session() as alone:
        ada, bob = Writer(name="Ada"), Writer(name="Bob")
        red, blue = Tag(text="red"), Tag(text="blue")
        alone.add_all(
            [
                Post(heading="one", words=100, writer=ada, tags=[red, blue]),
                Post(heading="two", words=200, writer=ada, tags=[red]),
                Post(heading="three", words=300, writer=bob),
            ]
        )
        alone.commit()


def test_a_bare_name_means_the_class_beside() -> None:
    """Another module's `Tag` in the same process does not make `relationship("Tag")` ambiguous."""
    assert island_models.Tag is not Tag
    assert sa.inspect(Post).relationships["tags"].mapper.class_ is Tag


@pytest.mark.usefixtures("rows")
def test_classes_declared_either_way_are_models() -> None:
    """Querysets read and write what was declared SQLAlchemy's way, its own column names too."""
    assert Post.__options__.table.info == {"kept": True}
    posts = Post.objects.select_related("writer").filter(writer__name="Ada", words__gte=150)
    assert [(post.heading, post.writer.name) for post in posts] == [("two", "Ada")]
    assert Tag.objects.filter(text__startswith="r").get().text == "red"
    post = Post.objects.get(heading="three")
    post.words = 301
    post.save()
    tag = Tag.objects.create(text="green")
    assert Tag.objects.filter(id=tag.id).update(text="lime") == 1
    assert Writer.objects.filter(Writer.shout == "BOB").get().shout == "BOB"
    assert Post.objects.filter(writer__name="Bob").delete() == (1, {"db.Post": 1})
    assert Post.objects.count() == 2


@pytest.mark.usefixtures("rows")
def test_select_takes_every_way_of_loading() -> None:
    """To-one, to-many and many-to-many relations come by each of SQLAlchemy's loaders."""
    with session() as alone:
        by_heading = sa.select(Post).order_by(Post.heading)
        for load in (joinedload, selectinload, subqueryload):
            posts = alone.scalars(
                by_heading.options(load(Post.writer), load(Post.tags), raiseload("*"))
            ).unique()
            found = [(p.heading, p.writer.name, sorted(t.text for t in p.tags)) for p in posts]
            assert found == [
                ("one", "Ada", ["blue", "red"]),
                ("three", "Bob", []),
                ("two", "Ada", ["red"]),
            ], load
            alone.expunge_all()
        writers = alone.scalars(
            sa.select(Writer).order_by(Writer.name).options(selectinload(Writer.posts))
        )
        assert [[post.heading for post in writer.posts] for writer in writers] == [
            ["one", "two"],
            ["three"],
        ]
        chain = selectinload(Writer.posts).joinedload(Post.tags)
        ada = alone.scalars(sa.select(Writer).filter_by(name="Ada").options(chain)).one()
        assert {tag.text for post in ada.posts for tag in post.tags} == {"red", "blue"}
        joined = (
            sa.select(Post).join(Post.writer).where(Writer.name == "Bob")
            .options(contains_eager(Post.writer), load_only(Post.heading), defer(Post.version))
        )  # fmt: skip
        assert alone.scalars(joined).one().writer.shout == "BOB"


@pytest.mark.usefixtures("rows")
def test_select_takes_the_rest_of_the_language() -> None:
    """Aliases, common table expressions, windows, subqueries, set operations, bulk statements."""
    other = aliased(Post)
    pairs = sa.select(Post.heading, other.heading).join(other, other.writer_id == Post.writer_id)
    ranked = sa.select(
        Post.heading,
        sa.func.rank().over(partition_by=Post.writer_id, order_by=Post.words.desc()).label("rank"),
    ).cte("ranked")
    total = sa.select(sa.func.sum(Post.words)).where(Post.writer_id == Writer.id).scalar_subquery()
    with session() as alone:
        assert alone.execute(pairs.where(Post.id < other.id)).all() == [("one", "two")]
        best = sa.select(ranked.c.heading).where(ranked.c.rank == 1).order_by(ranked.c.heading)
        assert alone.scalars(best).all() == ["three", "two"]
        sums = alone.execute(sa.select(Writer.name, total).order_by(Writer.name)).all()
        assert sums == [("Ada", 300), ("Bob", 300)]
        assert alone.scalar(sa.select(sa.exists().where(Post.words > 250))) in (True, 1)
        alone.execute(sa.insert(Tag), [{"text": "a"}, {"text": "b"}])
        alone.execute(sa.update(Tag).where(Tag.text == "a").values(text=Tag.text + "!"))
        alone.execute(sa.delete(Tag).where(Tag.text == "b"))
        union = sa.select(Tag.text).union(sa.select(Writer.name)).order_by("text")
        assert {"a!", "Ada", "red"} <= set(alone.scalars(union))
        assert "b" not in set(alone.scalars(sa.select(Tag.text)))


@pytest.mark.usefixtures("rows")
def test_a_session_tracks_our_instances() -> None:
    """Identity map, lazy loading, change tracking, expiry, cascades and versions work as ever."""
    with session() as alone:
        post = alone.scalars(sa.select(Post).filter_by(heading="one")).one()
        assert alone.get(Post, post.id) is post
        assert post.writer.name == "Ada"
        post.words += 1
        assert post in alone.dirty
        post.tags.clear()
        alone.commit()
        assert (post.words, post.version, post.tags) == (101, 2, [])
        post.writer = Writer(name="Cyd")
        alone.flush()
        assert post.writer_id == post.writer.id
        alone.rollback()
        assert post.writer.name == "Ada"
        Post.objects.filter(id=post.id).update(version=9)
        post.words = 0
        # SQLite notices by itself that another has written since this one read.
        with pytest.raises((StaleDataError, TransactionConflict)):
            alone.flush()
        alone.rollback()
    assert Writer.objects.count() == 2


@pytest.mark.usefixtures("rows")
def test_an_instance_may_change_hands() -> None:
    """What a queryset read goes into a Session and back, and what a Session read is saved."""
    post = Post.objects.get(heading="one")
    post.words = 7
    with session() as alone:
        alone.add(post)
        assert [tag.text for tag in sorted(post.tags, key=lambda tag: tag.text)] == ["blue", "red"]
        alone.commit()
        alone.refresh(post)
    assert Post.objects.get(heading="one").words == 7
    post.words = 8
    post.save()
    with session() as alone:
        merged = alone.merge(Post.objects.get(heading="one"))
        assert (merged.words, merged is post) == (8, False)
        three = alone.scalars(sa.select(Post).filter_by(heading="three")).one()
        alone.expunge(three)
    three.words = 9
    three.save()
    assert Post.objects.get(heading="three").words == 9
    # What a Session made loads its relations in a Session, as ever.
    for name in ("writer", "tags"):
        with pytest.raises(DetachedInstanceError):
            getattr(three, name)


def test_relations_of_our_own_load_in_a_session(database: str) -> None:
    """Our ForeignKey is a relationship that every loading option takes, over several steps."""
    house = Publisher.objects.create(name="House")
    ada = make_author(publisher=house)
    book = Book.objects.create(title="x", author=ada)
    Book.objects.create(title="y", author=ada, sequel_to=book)
    with session() as alone:
        deep = joinedload(Book.author).selectinload(Author.publisher)
        own = selectinload(Book.sequel_to).joinedload(Book.author)
        books = alone.scalars(sa.select(Book).order_by(Book.title).options(deep, own)).all()
        assert [each.author.publisher.name for each in books if each.author.publisher] == [
            "House",
            "House",
        ]
        sequel = books[1].sequel_to
        assert sequel is not None
        assert sequel.author.name == "Ada"
        assert alone.scalar(sa.select(sa.func.count()).select_from(Review)) == 0
    # As it was read by a Session, so it goes on with a queryset.
    assert books[0].author.books.count() == 2


def test_async_sessions_load_the_same(run: Run, database: str) -> None:
    """An AsyncSession takes the loading options, within a transaction and without."""
    if database == "sqlite":
        return  # It has no async driver.

    async def main() -> None:
        async with async_session() as alone:
            alone.add(Post(heading="one", writer=Writer(name="Ada"), tags=[Tag(text="red")]))
            await alone.commit()
        async with atomic(), async_session() as shared:
            options = [joinedload(Post.writer), selectinload(Post.tags)]
            post = (await shared.scalars(sa.select(Post).options(*options))).unique().one()
            assert (post.writer.name, [tag.text for tag in post.tags]) == ("Ada", ["red"])
            post.words = 5
        assert (await Post.objects.aget()).words == 5

    run(main())


class Base(DeclarativeBase):
    """Somebody else's declarative base."""


class Foreign(Base):
    """Somebody else's model, with names of ours."""

    __tablename__ = "foreign_writer"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(50))


Foreign.__name__ = "Writer"


@pytest.fixture
def engine(database: str) -> Iterator[sa.Engine]:
    """Somebody else's engine on the same database, with their table."""
    url = databases["default"].sync_url.partition("?")[0]
    engine = sa.create_engine(url)
    Base.metadata.create_all(engine)
    yield engine
    Base.metadata.drop_all(engine)
    engine.dispose()


def test_another_engine_is_left_alone(engine: sa.Engine, database: str) -> None:
    """Somebody else's Session has its own pool, transactions and settings, and ours has ours."""
    assert "foreign_writer" not in models.Model.metadata.tables
    with atomic():
        # Before ours writes: SQLite has one writer at a time.
        with SASession(engine) as theirs:
            theirs.add(Foreign(name="theirs"))
            theirs.commit()
        Writer.objects.create(name="ours")
        with SASession(engine) as theirs:
            assert theirs.scalars(sa.select(Foreign.name)).all() == ["theirs"]
            assert theirs.connection().get_isolation_level() != "AUTOCOMMIT"
    with pytest.raises(ZeroDivisionError), atomic():
        with SASession(engine) as theirs:
            theirs.add(Foreign(name="kept"))
            theirs.commit()
        Writer.objects.create(name="gone")
        _ = 1 / 0
    with SASession(engine) as theirs:
        theirs.add(Foreign(name="gone"))
        theirs.flush()
        theirs.rollback()
        assert theirs.scalars(sa.select(Foreign.name)).all() == ["theirs", "kept"]
        if database == "sqlite":
            # SQLite's own default, where ours enforces them.
            assert theirs.scalar(sa.text("PRAGMA foreign_keys")) == 0
    assert [writer.name for writer in Writer.objects.all()] == ["ours"]
