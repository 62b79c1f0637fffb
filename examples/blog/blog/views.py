"""The blog's pages."""

from typing import Annotated

from blog.models import BlogPost
from blog.paging import get_page
from undercroft import Query, Request, View, render
from undercroft.errors import NotFound
from undercroft.templating import Markup

PAGE_SIZE = 20
# SQLite and PostgreSQL count rows to skip in 64 bits; nobody reads that far.
MAX_PAGE = 1_000_000


async def hello(name: str) -> str:
    """Greet by a function: a `str` is answered as plain text."""
    return f"Hello, {name}."


class Hello(View):
    """Greet by a class: a method for each HTTP method."""

    async def get(self, request: Request, name: str) -> str:
        """Say from where, too: the request is there for whoever asks for it."""
        return f"Hello, {name}. You came by {request.path}."


async def home(request: Request) -> Markup:
    """Show what the blog is and its latest posts."""
    latest = await BlogPost.objects.select_related("author").order_by("-pub_date", "-id")[:5]
    total = await BlogPost.objects.acount()
    return render(request, "blog/home.html", {"latest": latest, "total": total})


async def post_list(
    request: Request,
    page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
    q: Annotated[str, Query(max_length=200)] = "",
) -> Markup:
    """List posts, newest first, those whose title or summary contains `q` if it is given."""
    posts = BlogPost.objects.select_related("author").order_by("-pub_date", "-id")
    words = q.replace("\0", "").strip()
    if words:
        posts = posts.filter(
            BlogPost.title.icontains(words, autoescape=True)
            | BlogPost.summary.icontains(words, autoescape=True)
        )
    shown = await get_page(posts, page, PAGE_SIZE)
    if page > shown.last:
        raise NotFound(f"There is no page {page}; the last one is {shown.last}.")
    return render(request, "blog/list.html", {"page": shown, "q": words})


async def post_detail(request: Request, id: int) -> Markup:
    """Show one post with its author and the post before and after it."""
    posts = BlogPost.objects.select_related("author")
    post = await posts.filter(id=id).afirst()
    if post is None:
        raise NotFound(f"There is no post {id}.")
    older = await posts.filter(id__lt=id).order_by("-id").afirst()
    newer = await posts.filter(id__gt=id).order_by("id").afirst()
    context = {"post": post, "paragraphs": split_paragraphs(post.content)}
    return render(request, "blog/detail.html", {**context, "older": older, "newer": newer})


def split_paragraphs(text: str) -> list[str]:
    """Split text at its blank lines; every paragraph keeps its own line breaks."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return ["\n".join(paragraph) for paragraph in paragraphs if paragraph]
