"""Templates that editors write: what a sandbox refuses."""

import jinja2
import pytest

from undercroft.templating import Templates


class Account:
    """A value that is shown to editors."""

    name = "Ada"
    history: list[str] = ["opened"]

    def __call__(self) -> str:
        return "called"


def show(source: str, *, sandboxed: bool) -> str:
    return Templates([], sandboxed=sandboxed).render_string(source, {"account": Account()})


REFUSED = [
    "{{ account.__call__.__globals__ }}",
    "{{ account['__class__'].__mro__ }}",
    "{{ (account|attr('__class__')).__mro__ }}",
    "{{ '{0.__class__.__mro__}'.format(account) }}",
    "{{ '{a.__class__.__mro__}'.format_map({'a': account}) }}",
    "{% set f = '{0.__class__.__mro__}'.format %}{{ f(account) }}",
    "{% set f = '{0.__class__.__mro__}'|attr('format') %}{{ f(account) }}",
    "{{ account.history.append('x') }}",
    "{{ range(999999999)|list }}",
    "{{ cycler.__init__.__globals__.os }}",
]


@pytest.mark.parametrize("source", REFUSED)
def test_a_sandbox_lets_nobody_reach_private_parts(source: str) -> None:
    """By attributes, items, filters and format strings, in any disguise."""
    with pytest.raises((jinja2.exceptions.SecurityError, jinja2.UndefinedError, OverflowError)):
        show(source, sandboxed=True)
    assert Account.history == ["opened"]


@pytest.mark.parametrize("source", [*REFUSED[:1], REFUSED[3]])
def test_without_a_sandbox_templates_are_code(source: str) -> None:
    """What the sandbox refuses would be given: the test above can fail."""
    assert show(source, sandboxed=False)


def test_a_sandbox_shows_what_is_meant_to_be_shown() -> None:
    """Names, filters, loops and calls work as anywhere, and all is escaped."""
    source = "{{ account.name }} {% for x in account.history %}{{ x|upper }}{% endfor %} {{ '<' }}"
    assert show(source, sandboxed=True) == "Ada OPENED &lt;"


def test_keys_of_xmlattr_stay_keys() -> None:
    """No key of a dict becomes a second attribute or ends the tag."""
    for key in ("a b", "a/b", "a>b", "a=b", 'a"b', "a\tb", "a\nb", "a\fb"):
        templates = Templates([])
        try:
            shown = templates.render_string("<p{{ {key: 'v'}|xmlattr }}>", {"key": key})
        except ValueError:
            continue
        assert key not in shown
        assert shown == f'<p {key.replace(chr(34), "&#34;")}="v">', key
