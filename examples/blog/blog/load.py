"""Load posts and authors: one post for every Python package installed, and some odd ones.

python -m blog.load               add what is new, update what has changed
python -m blog.load --if-empty    only when there are no posts yet
python -m blog.load --limit 20    at most 20 packages
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.utils import getaddresses
from importlib import import_module, metadata

from rich.console import Console
from rich.progress import track

from blog.models import Author, BlogPost
from blog.oddities import build_oddities
from undercroft.db.connections.transactions import atomic

NAME_LENGTH = 100
TITLE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Draft:
    """A post to be, with its author."""

    title: str
    summary: str
    content: str
    author_name: str
    author_email: str


def clean(text: str | None) -> str:
    """Return the text without what no database holds: NUL and bytes that were not UTF-8."""
    return (text or "").replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def shorten(text: str, length: int) -> str:
    """Cut text to a column's length, and show that it was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def read_field(fields: metadata.PackageMetadata, name: str) -> str:
    """Return a metadata field, or nothing where there is none."""
    values = fields.get_all(name)
    return clean(values[0]) if values else ""


def find_author(fields: metadata.PackageMetadata, package: str) -> tuple[str, str]:
    """Return name and email of a package's first author, or maintainer, or stand-ins."""
    name, email = "", ""
    for kind in ("Author", "Maintainer"):
        names = read_field(fields, kind)
        addresses = getaddresses([read_field(fields, f"{kind}-email")])
        first_name, first_email = addresses[0] if addresses else ("", "")
        name = name or names.split(",")[0].strip() or first_name
        email = email or (first_email if "@" in first_email else "")
    name = name or email.partition("@")[0] or f"The authors of {package}"
    email = email or f"{package.lower()}@packages.example"
    return shorten(" ".join(name.split()), NAME_LENGTH), email.lower()


def read_packages() -> Iterator[Draft]:
    """Make a draft of every installed package that has a name."""
    packages: dict[str, metadata.Distribution] = {}
    for package in metadata.distributions():
        packages.setdefault(read_field(package.metadata, "Name"), package)
    for name, package in sorted(packages.items()):
        if not name:
            continue
        fields = package.metadata
        summary = " ".join(read_field(fields, "Summary").split())
        content = read_field(fields, "Description")
        author_name, author_email = find_author(fields, name)
        yield Draft(
            title=shorten(f"{name} {package.version}", TITLE_LENGTH),
            summary=summary,
            content=content.strip() or summary or name,
            author_name=author_name,
            author_email=author_email,
        )


def read_oddities() -> Iterator[Draft]:
    """Make a draft of every deliberately odd text."""
    for title, content in build_oddities():
        yield Draft(
            title, "A text to try the blog with.", content, "Odd Oddsson", "odd@odd.example"
        )


def save_draft(draft: Draft, authors: dict[str, Author]) -> None:
    """Add a post, or bring the one with the same title up to date."""
    author = authors.get(draft.author_email)
    if author is None:
        author = Author.objects.filter(email=draft.author_email).first()
        if author is None:
            author = Author.objects.create(name=draft.author_name, email=draft.author_email)
        authors[draft.author_email] = author
    post = BlogPost.objects.filter(title=draft.title).first()
    if post is None:
        BlogPost.objects.create(
            title=draft.title, summary=draft.summary, content=draft.content, author=author
        )
    else:
        post.summary, post.content = draft.summary, draft.content
        post.save()


def load(drafts: Sequence[Draft], console: Console) -> None:
    """Save all drafts in one transaction: all of them, or none."""
    authors: dict[str, Author] = {}
    with atomic():
        for draft in track(drafts, "Loading posts", console=console):
            save_draft(draft, authors)
    posts, people = BlogPost.objects.count(), Author.objects.count()
    console.print(f"The blog has {posts} posts by {people} authors.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and load."""
    parser = argparse.ArgumentParser(prog="python -m blog.load", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--if-empty", action="store_true", help="only when there are no posts")
    parser.add_argument("--limit", type=int, default=None, help="at most so many packages")
    options = parser.parse_args(arguments)
    console = Console()
    import_module("mysite.app")  # composing the application connects the models to its database
    if options.if_empty and BlogPost.objects.exists():
        console.print(f"The blog already has {BlogPost.objects.count()} posts.")
        return
    packages = list(read_packages())[: options.limit]
    load([*read_oddities(), *packages], console)


if __name__ == "__main__":
    main()
