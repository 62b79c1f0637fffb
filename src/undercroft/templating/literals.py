"""Finds the links that templates write out, `url_for("blog:detail", id=post.id)`."""

from collections.abc import Iterator
from dataclasses import dataclass

import jinja2
from jinja2 import nodes

from undercroft.templating.engine import Templates

#: What of a folder is a template.
_ENDINGS = (".html", ".txt", ".xml", ".jinja", ".j2")


@dataclass(frozen=True, slots=True)
class BrokenTemplate:
    """A template that cannot be read.

    Attributes:
        template: Its name.
        line: Where in it; 1 where that is not known.
        problem: What is wrong.
    """

    template: str
    line: int
    problem: str


def find_broken(templates: Templates) -> Iterator[BrokenTemplate]:
    """Compile all templates, and find those for which that fails."""
    for name in templates.list_templates():
        if not name.endswith(_ENDINGS):
            continue
        try:
            templates.environment.get_template(name)
        except jinja2.TemplateSyntaxError as error:
            yield BrokenTemplate(error.name or name, error.lineno, f"{error.message or error}")
        except (jinja2.TemplateError, UnicodeDecodeError) as error:
            yield BrokenTemplate(name, 1, f"It cannot be read: {error}.")


@dataclass(frozen=True, slots=True)
class LiteralLink:
    """A call of `url_for` whose route's name stands in the template.

    Attributes:
        template: The template's name.
        line: Where in it.
        route: The route's name.
        params: The names of the parameters; None where `**` hides them.
    """

    template: str
    line: int
    route: str
    params: frozenset[str] | None


def find_literal_links(templates: Templates) -> Iterator[LiteralLink]:
    """Read all templates; one that cannot be read is left to whoever renders it."""
    environment = templates.environment
    for name in templates.list_templates():
        if not name.endswith(_ENDINGS):
            continue
        try:
            loader = environment.loader
            source = loader.get_source(environment, name)[0] if loader is not None else ""
            tree = environment.parse(source)
        except (jinja2.TemplateError, UnicodeDecodeError):
            continue
        for call in tree.find_all(nodes.Call):
            link = _read_call(name, call)
            if link is not None:
                yield link


def _read_call(template: str, call: nodes.Call) -> LiteralLink | None:
    is_link = isinstance(call.node, nodes.Name) and call.node.name == "url_for"
    if not (is_link and call.args and isinstance(call.args[0], nodes.Const)):
        return None
    hidden = call.dyn_kwargs is not None or call.dyn_args is not None
    keys = frozenset(str(pair.key) for pair in call.kwargs)
    return LiteralLink(template, call.lineno, str(call.args[0].value), None if hidden else keys)
