"""Full-text search finds on PostgreSQL and SQLite what people look for, best first."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.db.conftest import Run
from tests.db.search_models import Essay, Label, Plain, Writer, fill, made_tables
from undercroft import models
from undercroft.db.queries.shape import Call
from undercroft.db.sessions import session
from undercroft.db.transaction import atomic, set_rollback
from undercroft.errors import FieldError, FieldValueError
from undercroft.models import F, OuterRef, Q, SearchHeadline, SearchQuery, SearchRank, SearchVector

SEARCHING = pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=True
)

pytestmark = [SEARCHING, pytest.mark.usefixtures("searched")]

#: Each example asks the test's one database, which is what is wanted.
EXAMPLES = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

#: Text as people write it, and as nobody would.
ANYTHING = st.text(max_size=60) | st.lists(
    st.sampled_from(
        [*"\"'-*():^+\\&|! \x00\ud800{}", "or ", "OR", "AND ", "NOT ", "NEAR(", "fox "]
    ),
    max_size=20,
).map("".join)


@pytest.fixture
def searched(database: str) -> Iterator[Writer]:
    """A magazine with a few essays; gives a writer."""
    assert database
    with made_tables():
        yield fill()


def titles(queryset: Any) -> list[str]:
    return [essay.title for essay in queryset]


def search(text: str, **options: Any) -> Any:
    return Essay.objects.search(text, **{"index": "essay_search", **options})


@pytest.mark.parametrize(
    "text, found",
    [
        ("fox", ["The quick fox", "Dogs"]),
        ("Foxes JUMPING", ["The quick fox"]),
        ("quick fox", ["The quick fox", "Dogs"]),
        ('"quick fox"', ["The quick fox"]),
        ('"quick fox', ["The quick fox"]),
        ("quick -fox", ["Engines"]),
        ('quick -"lazy dogs"', ["Dogs", "Engines"]),
        ("cat or engine", ["Cats", "Engines"]),
        ("lazy fox OR cats", ["Cats", "The quick fox"]),
        ("the fox", ["The quick fox", "Dogs"]),
        ("fox & dogs", ["Dogs", "The quick fox"]),
        ("lazy title:dogs", []),
        ("fox*", ["The quick fox", "Dogs"]),
        ("nothing", []),
        ("", []),
        ("  ", []),
        ("!?", []),
        ("or", []),
        ("-", []),
    ],
)
def test_people_find_what_they_look_for(text: str, found: list[str]) -> None:
    """Words in any form, phrases, what is not wanted and alternatives, the same on both."""
    assert sorted(titles(search(text))) == sorted(found)


def test_the_best_comes_first_and_says_how_good_it_is(asked: list[Call]) -> None:
    """A title counts for more than text; one statement does it, and slices and counts."""
    found = search("fox", rank="fit")
    rows: list[Any] = list(found)
    assert titles(rows) == ["The quick fox", "Dogs"]
    assert rows[0].fit > rows[1].fit > 0
    assert len(asked) == 1
    assert titles(found[1:2]) == ["Dogs"]
    assert found.count() == 2
    assert found.filter(fit__gt=rows[1].fit).get().title == "The quick fox"
    assert titles(found.reverse()) == titles(found.order_by("title")) == ["Dogs", "The quick fox"]
    assert list(search("dogs").values_list("title", flat=True)) == ["Dogs", "The quick fox"]


def test_search_types_read_text_in_their_own_way() -> None:
    """`plain` wants all words, `phrase` these in this order; neither knows any signs."""
    assert titles(search("quick -fox", search_type="plain")) == ["The quick fox", "Dogs"]
    assert titles(search("lazy dogs", search_type="phrase")) == ["The quick fox"]
    assert titles(search("dogs lazy", search_type="phrase")) == []
    assert titles(search(SearchQuery("cats") | SearchQuery("lazy dog"))) == titles(
        search("cats or lazy dog")
    )
    with pytest.raises(FieldError, match="search_type='web' is none"):
        search("x", search_type="web")


def test_raw_is_the_databases_own_language(database: str) -> None:
    """What is written in it is found; what is not is an error of one kind on both."""
    prefix = "qui*" if database == "sqlite" else "qui:*"
    assert search(prefix, search_type="raw").count() == 3
    assert search(" ", search_type="raw").count() == 0
    for wrong in ("fox AND", "fox &", "(fox", "fox:bar", "<-> fox"):
        with pytest.raises(FieldValueError) as caught:
            search(wrong, search_type="raw").count()
        assert caught.value.code == "db.search-query"


def test_search_goes_with_everything_else(searched: Writer, run: Run) -> None:
    """It narrows querysets, managers and rows of a relation, and is joined with conditions."""
    assert titles(searched.essays.search("fox", index="essay_search")) == ["The quick fox"]
    assert titles(search("fox").filter(writer__name="Ben")) == ["Dogs"]
    assert titles(Essay.objects.filter(writer__name="Ben").search("end", index="essay_notes")) == [
        "Dogs"
    ]
    assert titles(search("quick").exclude(title="Dogs").select_related("writer")) == [
        "The quick fox",
        "Engines",
    ]
    assert search("quick").aggregate(models.Max("words")) == {"words__max": 7}
    assert Writer.objects.filter(essays__in=search("lazy")).get() == searched
    assert titles(run(read(search("fox")))) == ["The quick fox", "Dogs"]
    assert run(search("fox").acount()) == 2
    assert run(search("fox").afirst()).title == "The quick fox"


async def read(queryset: Any) -> list[Any]:
    return [row async for row in queryset]


def test_rows_are_found_as_they_are_now() -> None:
    """Each insert, update and delete is known at once, single or many, and counts are right."""
    made = Essay.objects.create(title="Badgers", text="Dig")
    assert titles(search("badger")) == ["Badgers"]
    made.text = "Sleep"
    made.save()
    assert titles(search("dig or sleeping")) == ["Badgers"]
    assert not search("dig").exists()
    assert Essay.objects.filter(title__search="badger").update(title="Moles", text=None) == 1
    assert titles(search("badger or sleep or mole")) == ["Moles"]
    assert not search("badger or sleep").exists()
    Essay.objects.bulk_create([Essay(title="Owls"), Essay(title="An owl")])
    assert search("owl").count() == 2
    assert search("owl or mole").delete()[0] == 3
    assert search("owl or mole").count() == 0
    with atomic():
        Essay.objects.create(title="Bats")
        set_rollback(True)
    assert search("bats").count() == 0


@EXAMPLES
@given(text=ANYTHING)
def test_no_text_is_an_error(text: str) -> None:
    """Whatever people write is understood, in each way of reading it."""
    for search_type in ("websearch", "plain", "phrase"):
        list(search(text, search_type=search_type)[:2])
    list(Essay.objects.filter(title__search=text)[:2])


def test_long_text_is_no_error() -> None:
    """What is longer than anybody writes is cut, words that are too long find nothing."""
    for text in ("x" * 100_000, "fox " * 50_000, "a b" * 5_000, '"' * 5_000, "- or " * 5_000):
        assert search(text).count() <= 4


def test_indexes_are_named_where_there_are_several() -> None:
    """A model with one index needs no name; none, a wrong one and several are told."""
    assert Writer.objects.search("fox").get().name == "Ada"
    assert titles(Essay.objects.search("end", index="essay_notes")) == ["Dogs"]
    with pytest.raises(FieldError, match='index="essay_search" or index="essay_notes"'):
        Essay.objects.search("x")
    with pytest.raises(FieldError, match="none called 'x'"):
        Essay.objects.search("x", index="x")
    with pytest.raises(FieldError, match="Plain has no SearchIndex"):
        Plain.objects.search("x")


def test_simple_takes_words_as_they_are() -> None:
    """Without English endings, and with words that English leaves out."""
    assert titles(Essay.objects.search("jump", index="essay_notes")) == []
    assert titles(Essay.objects.search("JUMPING", index="essay_notes")) == ["Cats"]
    assert titles(Essay.objects.search("the", index="essay_notes")) == ["Dogs"]


def test_one_field_is_searched_by_its_look_up(searched: Writer) -> None:
    """Only that field counts, also across relations, in `Q`, denied and among many rows."""
    assert titles(Essay.objects.filter(title__search="dogs")) == ["Dogs"]
    assert titles(Essay.objects.filter(text__search="quick dog")) == ["Dogs"]
    assert titles(Essay.objects.filter(writer__bio__search="engine")) == ["Cats", "The quick fox"]
    either = Q(writer__bio__search="sing") | Q(title__search="engine")
    assert titles(Essay.objects.filter(either)) == ["Dogs", "Engines"]
    assert titles(Essay.objects.filter(~Q(text__search="fox"))) == [
        "Cats",
        "Engines",
        "The quick fox",
    ]
    assert titles(Essay.objects.exclude(writer__bio__search="sing", title__search="dog")) == [
        "Cats",
        "Engines",
        "The quick fox",
    ]
    assert Writer.objects.filter(essays__title__search="cat").get() == searched
    assert Writer.objects.exclude(essays__title__search="cat").get().name == "Ben"
    assert titles(
        Essay.objects.filter(title__search=SearchQuery("fox cats") | SearchQuery("dog"))
    ) == ["Dogs"]
    phrase = SearchQuery("fox quick", search_type="phrase")
    assert not Essay.objects.filter(title__search=phrase).exists()


def test_labels_of_many_rows_are_searched() -> None:
    """A relation of many rows to many is followed as with any other look-up."""
    essay = Essay.objects.get(title="Cats")
    essay.labels.set([Label.objects.create(name="Animals at home")])
    assert titles(Essay.objects.filter(labels__name__search="home")) == ["Cats"]
    assert Essay.objects.exclude(labels__name__search="home").count() == 3


def test_what_is_looked_for_may_stand_in_another_column() -> None:
    """`F` and `OuterRef` are text like any other."""
    Writer.objects.create(name="Carl", bio="Carl himself")
    assert Writer.objects.filter(bio__search=F("name")).get().name == "Carl"
    theirs = Writer.objects.filter(bio__search=OuterRef("title"))
    assert titles(Essay.objects.filter(models.Exists(theirs))) == ["Engines"]
    found = Essay.objects.annotate(by=models.Subquery(theirs.values("name")[:1]))
    assert found.get(title="Engines").by == "Ada"  # type: ignore[attr-defined]  # an annotation
    empty = models.NullIf("name", "name")
    assert Writer.objects.filter(bio__search=empty).count() == 0


def test_a_look_up_needs_text(database: str) -> None:
    """Other fields have none; on SQLite, neither have fields without an index, and it says so."""
    with pytest.raises(FieldError, match="words has no look-up 'search'"):
        Essay.objects.filter(words__search="x")
    with pytest.raises(
        FieldError, match=r"title__search has no look-up 'contains'\. Look-ups: exact"
    ):
        Essay.objects.filter(title__search__contains="x")
    with pytest.raises(FieldValueError, match="expected text"):
        Essay.objects.filter(title__search=3)
    Plain.objects.create(text="Foxes")
    if database == "postgresql":
        assert Plain.objects.filter(text__search="foxes").count() == 1
    else:
        with pytest.raises(FieldError, match=r'SearchIndex\(fields=\["text"\]'):
            Plain.objects.filter(text__search="x").count()
        several = Essay.objects.alias(both=SearchVector("title", "writer__bio"))
        with pytest.raises(FieldError, match="the fields of one SearchIndex"):
            several.filter(both="x").count()


def test_vectors_are_compared_with_queries() -> None:
    """Words of several fields are an expression, and queries are joined and denied."""
    words = Essay.objects.alias(words_of=SearchVector("title", "text"))
    assert titles(words.filter(words_of="fox dog")) == ["Dogs", "The quick fox"]
    both = SearchQuery("fox") & SearchQuery("dog")
    assert titles(words.filter(words_of=both)) == ["Dogs", "The quick fox"]
    assert titles(words.filter(words_of=both & ~SearchQuery("lazy"))) == ["Dogs"]
    assert titles(words.filter(words_of=~SearchQuery("lazy") & both)) == ["Dogs"]
    web = SearchQuery("cat or engine -brown", search_type="websearch")
    assert titles(words.filter(words_of=web)) == ["Cats"]
    assert titles(words.exclude(words_of=both)) == ["Cats", "Engines"]
    assert titles(words.filter(~Q(words_of=both), words_of__search="brown")) == ["Engines"]


def test_a_denied_query_alone_is_refused_where_it_cannot_be_asked(database: str) -> None:
    """SQLite finds what has something only; the error names `exclude`."""
    words = Essay.objects.alias(words_of=SearchVector("title", "text"))
    denied = words.filter(words_of=~SearchQuery("fox"))
    if database == "postgresql":
        assert titles(denied) == ["Cats", "Engines"]
    else:
        with pytest.raises(FieldError, match="exclude"):
            denied.count()


def test_ranks_follow_weights() -> None:
    """The weight of a field decides, then the numbers given for weights."""
    Essay.objects.create(title="Zebra", text="Stripes")
    Essay.objects.create(title="Stripes", text="Zebra")
    heavy = SearchVector("title", weight="A") + SearchVector("text", weight="D")
    light = SearchVector("title", weight="D") + SearchVector("text", weight="A")
    for vector, best in ((heavy, "Zebra"), (light, "Stripes")):
        fit = SearchRank(vector, SearchQuery("zebra"))
        assert search("zebra").annotate(fit=fit).order_by("-fit")[0].title == best
    title_only = SearchRank(heavy, SearchQuery("dogs"), weights=[0.0, 0.0, 0.0, 1.0])
    row = search("lazy dogs").annotate(fit=title_only).get()
    assert row.fit == pytest.approx(0.0, abs=1e-12)  # type: ignore[attr-defined]  # an annotation
    by_name = Essay.objects.annotate(fit=SearchRank("title", "cats")).order_by("-fit", "title")
    assert titles(by_name)[0] == "Cats"
    with pytest.raises(FieldError, match="four numbers"):
        SearchRank("title", "x", weights=[1.0])


def test_what_only_postgresql_ranks_by_is_refused_elsewhere(database: str) -> None:
    """Cover density and normalization have no place in BM25."""
    ranked = [
        search("quick fox").order_by(SearchRank(SearchVector("title"), "fox", **options).desc())
        for options in ({"cover_density": True}, {"normalization": 2})
    ]
    for queryset in ranked:
        if database == "postgresql":
            assert titles(queryset)[0] == "The quick fox"
        else:
            with pytest.raises(FieldError, match="does not exist on sqlite"):
                list(queryset)


def test_headlines_show_where_it_was_found() -> None:
    """What was found has marks around it, quotes and commas in them or not."""
    whole = SearchHeadline(
        "text", "fox", start_sel='<i class="a, b">', stop_sel="</i>", highlight_all=True
    )
    row: Any = search("fox").annotate(shown=whole).get(title="Dogs")
    marked = '<i class="a, b">fox</i>'
    assert row.shown == f"A {marked} is quick as dogs: {marked}, {marked}"
    short: Any = search("fox").annotate(shown=SearchHeadline("text", SearchQuery("dogs")))
    assert "<b>dogs</b>" in short.get(title="Dogs").shown
    assert "<b>" not in Essay.objects.annotate(shown=whole).get(title="Engines").shown  # type: ignore[attr-defined]  # an annotation


def test_values_are_bound(asked: list[Call]) -> None:
    """Nothing that people write is part of the statement, and it is compiled once."""
    for text in ("fox'); DROP TABLE db_essay; --", "dogs", '"lazy dogs"'):
        list(search(text, rank="fit"))
    assert len({call.shape for call in asked}) == 1
    assert Essay.objects.count() == 4


def test_the_index_is_asked(database: str) -> None:
    """The statement asks for just what is indexed, for all fields and for one."""
    asking = {
        "essay_search": search("quick -fox", rank="fit"),
        "essay_notes": Essay.objects.filter(note__search="end"),
        "writer_search": Writer.objects.filter(bio__search="fox"),
    }
    with atomic(), session() as opened:
        if database == "postgresql":
            opened.execute(sa.text("SET LOCAL enable_seqscan = off"))
        for name, queryset in asking.items():
            assert {
                "postgresql": f"Bitmap Index Scan on {name}",
                "sqlite": f"SCAN {name} VIRTUAL TABLE INDEX 0:M",
            }[database] in queryset.explain()
