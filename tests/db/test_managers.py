"""Managers and querysets of one's own: declared, inherited, and on the other side of relations."""

from typing import Any

import pytest

from tests.db.conftest import Run
from tests.db.music_models import names
from tests.db.press_models import Article, ArticleQuerySet, Author, LivingManager, Note
from undercroft import models
from undercroft.errors import ImproperlyConfigured

pytestmark = pytest.mark.usefixtures("database")


def fill() -> tuple[Author, Author]:
    """Ada has three articles, Bob, who was deleted softly, one."""
    ada = Author.objects.create(name="Ada")
    bob = Author.everyone.create(name="Bob", is_deleted=True)
    for title, status in (("One", "published"), ("Two", "draft"), ("Three", "published")):
        Article.objects.create(title=title, status=status, author=ada)
    Article.objects.create(title="Four", status="published", author=bob)
    return ada, bob


def test_methods_of_querysets_are_methods_of_managers() -> None:
    """`as_manager` and `from_queryset` give a model the queryset's own methods."""
    fill()
    for manager in (Article.objects, Article.shouted):
        assert names(manager.published().order_by("id")) == ["One", "Three", "Four"]
        assert names(manager.by("Ada").published().filter(title="One")) == ["One"]
        assert type(manager.all()) is ArticleQuerySet
        assert type(manager.filter(title="x").published()) is ArticleQuerySet
    assert names(Article.objects.order_by("id")[:3].all()) == ["One", "Two", "Three"]
    assert names(Article.objects.by("Bob") | Article.objects.filter(title="Two")) != []


def test_a_manager_may_begin_elsewhere() -> None:
    """What `get_queryset` says holds for every query that the manager begins."""
    ada, bob = fill()
    assert [each.name for each in Author.objects.all()] == ["Ada"]
    assert Author.objects.count() == 1
    assert Author.objects.filter(name__contains="o").exists() is False
    assert Author.objects.first() == Author.objects.last() == Author.objects.get() == ada
    assert Author.objects.exclude(name="x").update(name="Ada L.") == 1
    assert Author.everyone.count() == 2
    with pytest.raises(Author.DoesNotExist):
        Author.objects.get(pk=bob.pk)
    assert Author.everyone.get(pk=bob.pk) == bob
    assert Author.objects.values_list("name", flat=True)[0] == "Ada L."
    assert Author.objects.aggregate(n=models.Count("*")) == {"n": 1}
    assert (Author.objects.all() | Author.everyone.filter(name="Bob")).count() in (1, 2)
    assert Author.objects.get_or_create(name="Ada L.") == (ada, False)
    assert Author.objects.make("Cyd").pk is not None
    assert Author.objects.in_bulk([bob.pk, ada.pk]) == {ada.pk: ada}


def test_get_queryset_is_asked_each_time() -> None:
    """A manager whose beginning changes answers as it is now."""
    fill()
    hidden = {"name": "Ada"}

    class Shy(models.Manager[Author]):
        def get_queryset(self) -> models.QuerySet[Author]:
            return super().get_queryset().exclude(**hidden)

    shy: Any = Shy(Author)
    found = shy.begin()
    assert [each.name for each in found] == ["Bob"]
    hidden["name"] = "Bob"
    assert [each.name for each in shy.begin()] == ["Ada"]


def test_managers_keep_what_they_were_told() -> None:
    """Arguments of a manager's constructor are there after it was bound to its models."""
    fill()
    Note.objects.create(text="later")
    assert names(Article.drafts.all()) == ["Two"]
    assert Note.drafts.count() == 1
    assert Article.drafts.status == "draft"
    assert Article.drafts.model is Article
    assert Note.drafts.model is Note


def test_managers_are_inherited_from_abstract_models() -> None:
    """Each class has bound managers of its own; what it declares comes before what it inherits."""
    assert type(Note.objects) is models.Manager
    assert Note.objects.model is Note
    assert Article.objects is not Note.objects
    assert isinstance(Author.objects, LivingManager)
    assert Article.__options__.manager.model is Article


def test_the_other_side_has_the_methods() -> None:
    """A related manager has the methods, and the beginning, of the model's own manager."""
    ada, bob = fill()
    assert names(ada.articles.published().order_by("id")) == ["One", "Three"]
    assert names(ada.articles.filter(title="Two").by("Ada")) == ["Two"]
    made = ada.articles.create(title="Five")
    assert made.author == ada
    assert ada.articles.by("Bob").count() == 0
    assert names(bob.articles.all()) == ["Four"]
    (loaded,) = Author.objects.prefetch_related("articles")
    assert len(loaded.articles.all()) == 4


def test_relations_reach_rows_that_the_manager_hides() -> None:
    """A foreign key leads to its row, whatever the default manager leaves out."""
    fill()
    article = Article.objects.get(title="Four")
    assert article.author.name == "Bob"
    assert Article.objects.select_related("author").get(title="Four").author.name == "Bob"
    assert Article.objects.filter(author__name="Bob").count() == 1
    (prefetched,) = Article.objects.prefetch_related("author").filter(title="Four")
    assert prefetched.author.name == "Bob"
    article.author.name = "Robert"
    article.author.save()
    article.author.refresh_from_db()
    assert Author.everyone.get(is_deleted=True).name == "Robert"
    assert article.author.delete().total == 2


def test_managers_belong_to_classes() -> None:
    """Rows and abstract models have none, and say so."""
    fill()
    row: Any = Article.objects.first()
    with pytest.raises(AttributeError, match="belongs to the class"):
        _ = Author.everyone.first().objects

    class Abstract(models.Model):
        class Meta:
            abstract = True

    with pytest.raises(ImproperlyConfigured, match="abstract"):
        _ = Abstract.objects
    assert row is not None


def test_managers_name_themselves() -> None:
    """Their `repr` asks nothing; they have no length."""
    assert repr(Article.objects) == "<ManagerFromArticleQuerySet of Article>"
    assert repr(Author.everyone) == "<Manager of Author>"
    with pytest.raises(TypeError, match="has no len"):
        len(Author.everyone)


def test_managers_in_async_code(run: Run) -> None:
    """The methods begin queries that are awaited."""
    fill()

    async def main() -> None:
        assert names(await Article.objects.published().order_by("id")) == ["One", "Three", "Four"]
        assert await Author.objects.acount() == 1
        ada = await Author.objects.aget()
        assert await ada.articles.published().acount() == 2
        assert (await ada.articles.acreate(title="Six")).author_id == ada.pk

    run(main())


def test_a_row_that_is_hidden_may_be_referred_to() -> None:
    """`full_clean` finds the target of a foreign key whatever the target's manager begins with."""
    fill()
    Article.objects.get(title="Four").full_clean()
