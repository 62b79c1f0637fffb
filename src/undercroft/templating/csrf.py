"""The tag `{% csrf_token %}`, which Django's templates put into their forms."""

from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser


class CSRFToken(Extension):
    """Lets `{% csrf_token %}` stand for `{{ csrf_input }}`, the hidden field with the token."""

    tags = {"csrf_token"}

    def parse(self, parser: Parser) -> nodes.Node:
        """Write the context's `csrf_input` where the tag stands."""
        line = next(parser.stream).lineno
        return nodes.Output([nodes.Name("csrf_input", "load")], lineno=line)
