"""How the database would carry a query out."""

import json

import pytest

from tests.db.conftest import Run
from tests.db.music_models import Album, Artist, Track, fill
from undercroft.db.queries.shape import Call
from undercroft.errors import FieldError
from undercroft.models import Count, OuterRef, Subquery

pytestmark = pytest.mark.usefixtures("database")

#: A word that every plan has, by vendor.
WORD = {"sqlite": "db_album", "postgresql": "Scan", "mariadb": "db_album"}


def test_plans_are_text(database: str) -> None:
    """Whatever is asked, with whatever values, the plan of it is text that names what is read."""
    fill()
    top = Album.objects.filter(artist=OuterRef("pk")).order_by("-price").values("title")[:1]
    for queryset in (
        Album.objects.all(),
        Album.objects.filter(title="x'; --", artist__name="Ann").order_by("-price")[:3],
        Album.objects.values("artist").annotate(n=Count("*")),
        Album.objects.filter(price__gt=1).union(Album.objects.filter(title="x")),
        Artist.objects.annotate(top=Subquery(top)),
        Album.objects.values_list("title", flat=True),
    ):
        plan = queryset.explain()
        assert WORD[database] in plan
    assert Track.objects.none().explain() != ""


def test_options_are_the_databases(database: str) -> None:
    """PostgreSQL and MariaDB have options of their own; others are refused by name."""
    fill()
    albums = Album.objects.filter(title="Blue")
    if database == "postgresql":
        assert "actual" in albums.explain(analyze=True, verbose=True, buffers=True)
        assert json.loads(albums.explain(format="json"))[0]["Plan"]
        assert "<explain" in albums.explain(format="xml")
        with pytest.raises(FieldError, match="format=html"):
            albums.explain(format="html")
    elif database == "mariadb":
        assert "query_block" in json.loads(albums.explain(format="json"))
        assert "r_rows" in albums.explain(analyze=True, format="json")
    else:
        with pytest.raises(FieldError, match="no option 'analyze' on sqlite"):
            albums.explain(analyze=True)
    for wrong in ("nonsense", "ANALYZE; DROP TABLE db_album; --"):
        with pytest.raises(FieldError, match="has no option"):
            albums.explain(**{wrong: True})
    with pytest.raises(FieldError, match="has no option"):
        albums.explain(format="text; DROP TABLE db_album")
    assert Album.objects.count() == 4


def test_an_explanation_is_not_taken_for_the_query(database: str) -> None:
    """Both are compiled by themselves, in either order."""
    fill()
    albums = Album.objects.filter(title="Blue")
    assert len(albums.all()) == 1
    assert WORD[database] in albums.explain()
    assert len(albums.all()) == 1
    assert WORD[database] in Album.objects.filter(title="First").explain()


def test_explanations_in_async_code(run: Run, database: str) -> None:
    """The twin gives the same."""
    fill()

    async def main() -> None:
        assert WORD[database] in await Album.objects.filter(title="Blue").aexplain()

    run(main())


def test_a_queryset_shows_its_sql_and_its_values_apart(database: str, asked: list[Call]) -> None:
    """`query` gives the text with marks, and the values beside it; nothing is asked for that."""
    query = Artist.objects.filter(name="Ada\u2019s", id__gt=7).query
    assert str(query) == query.sql
    assert query.sql.startswith("SELECT ")
    assert "Ada" not in query.sql
    assert query.values == ("Ada\u2019s", 7)
    assert asked == []
