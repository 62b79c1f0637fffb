"""Full-text search: what is searched and what for, how well that fits, where it was found."""

from collections.abc import Sequence
from copy import copy
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

from undercroft.db.fields.search import is_words
from undercroft.db.mapping.search_indexes import check_config, check_weight
from undercroft.db.queries.expressions import Expression
from undercroft.db.queries.namespace import Namespace, is_expression
from undercroft.db.queries.shape import Node
from undercroft.db.queries.terms import TYPES, Term
from undercroft.db.queries.words import build_words, clean_text
from undercroft.errors import FieldError

#: How what is looked for is understood.
SearchType: TypeAlias = Literal["plain", "phrase", "websearch", "raw"]

SEARCH_TYPES: tuple[SearchType, ...] = ("plain", "phrase", "websearch", "raw")


class SearchVector:
    """The words of fields, to be compared with what is looked for.

    `Post.objects.alias(words=models.SearchVector("title", "body")).filter(words="fox")`

    Args:
        expressions: Names of fields, or expressions.
        weight: How much these words count, from A to D.
        config: What makes words of text, by PostgreSQL's name; that of the fields' `SearchIndex`
            when None, else the database's own.
    """

    __slots__ = ("parts",)

    def __init__(
        self, *expressions: Any, weight: str | None = None, config: str | None = None
    ) -> None:
        if not expressions:
            raise FieldError(
                "SearchVector() has no fields: expected one at least.", code="db.function"
            )
        option = (
            "" if weight is None else check_weight(weight),
            None if config is None else check_config(config),
        )
        self.parts: tuple[tuple[Any, Any], ...] = tuple((each, option) for each in expressions)

    def __repr__(self) -> str:
        return f"SearchVector({', '.join(repr(each) for each, _ in self.parts)})"

    def __add__(self, other: "SearchVector") -> "SearchVector":
        joined = copy(self)
        joined.parts = (*self.parts, *other.parts)
        return joined

    def resolve_in(self, namespace: Namespace) -> Term:
        """Resolve the fields."""
        terms = [namespace.resolve_name(each) for each, _ in self.parts]
        return build_words(terms, [option for _, option in self.parts])


class SearchQuery:
    """What is looked for; joined by `&`, `|` and denied by `~`.

    Args:
        value: The text, or an expression of it.
        config: What makes words of it; that of what is searched when None.
        search_type: `plain` (all words), `phrase` (in this order), `websearch` (as search engines
            have it: "a phrase", -not, or), `raw` (the database's own language).
        invert: Look for what does not have it.

    Raises:
        FieldError: There is no such search type.
    """

    __slots__ = ("config", "invert", "search_type", "value")

    def __init__(
        self,
        value: Any,
        *,
        config: str | None = None,
        search_type: SearchType = "plain",
        invert: bool = False,
    ) -> None:
        if search_type not in SEARCH_TYPES:
            raise FieldError(
                f"search_type={search_type!r} is none: expected one of {', '.join(SEARCH_TYPES)}.",
                code="db.search",
            )
        self.value = value if is_expression(value) else clean_text(value)
        self.config = None if config is None else check_config(config)
        self.search_type: SearchType = search_type
        self.invert = invert

    def __repr__(self) -> str:
        return f"{'~' if self.invert else ''}SearchQuery({self.value!r})"

    def __and__(self, other: "SearchQuery") -> "SearchQuery":
        return JoinedQuery("search_and", self, other)

    def __or__(self, other: "SearchQuery") -> "SearchQuery":
        return JoinedQuery("search_or", self, other)

    def __invert__(self) -> "SearchQuery":
        return SearchQuery(
            self.value,
            config=self.config,
            search_type=self.search_type,
            invert=not self.invert,
        )

    def resolve_in(self, namespace: Namespace) -> Term:
        """Resolve what is looked for; its text is a value of the statement."""
        term = self._resolve_text(namespace)
        node = deny(term.node) if self.invert else term.node
        return Term(node, TYPES["any"], term.level, null=term.null, many=term.many)

    def _resolve_text(self, namespace: Namespace) -> Term:
        term = namespace.resolve(self.value)
        node = ("call", "search_text", (term.node,), (self.search_type, self.config))
        return Term(node, TYPES["any"], term.level, term.null, term.many)


class JoinedQuery(SearchQuery):
    """Two things looked for, of which both or one has to be found."""

    __slots__ = ("function", "left", "right")

    def __init__(
        self, function: str, left: SearchQuery, right: SearchQuery, *, invert: bool = False
    ) -> None:
        super().__init__("", invert=invert)
        self.function = function
        self.left = left
        self.right = right

    def __repr__(self) -> str:
        operator = "&" if self.function == "search_and" else "|"
        return f"{'~' if self.invert else ''}({self.left!r} {operator} {self.right!r})"

    def __invert__(self) -> SearchQuery:
        return JoinedQuery(self.function, self.left, self.right, invert=not self.invert)

    def _resolve_text(self, namespace: Namespace) -> Term:
        left, right = (each.resolve_in(namespace) for each in (self.left, self.right))
        return Term(
            ("call", self.function, (left.node, right.node), None),
            TYPES["any"],
            max(left.level, right.level),
            left.null or right.null,
            left.many or right.many,
        )


def deny(node: Node) -> Node:
    """Deny what is looked for."""
    return ("call", "search_not", (node,), None)


class _Searching(Expression):
    """What is told of rows by what is looked for in them.

    Args:
        subject: What is searched.
        query: What is looked for: text, or a `SearchQuery`.
    """

    __slots__ = ("query", "subject")

    function: ClassVar[str] = ""
    output: ClassVar[str] = ""

    def __init__(self, subject: Any, query: Any) -> None:
        self.subject = subject
        self.query = query if is_expression(query) else SearchQuery(query)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.subject!r}, {self.query!r})"

    @property
    def option(self) -> Any:
        """What else is part of the statement's text."""
        return None

    def resolve_in(self, namespace: Namespace) -> Term:
        """Resolve what is searched, then what for."""
        terms = [self._resolve_subject(namespace), namespace.resolve(self.query)]
        return Term(
            ("call", self.function, tuple(term.node for term in terms), self.option),
            TYPES[self.output],
            max(term.level for term in terms),
            terms[0].null,
            any(term.many for term in terms),
        )

    def _resolve_subject(self, namespace: Namespace) -> Term:
        return namespace.resolve_name(self.subject)


class SearchRank(_Searching):
    """How well rows fit what is looked for: the more, the better.

    On PostgreSQL by how often words occur, on SQLite by BM25, which also knows how rare they are;
    the numbers of one are not those of the other.

    Args:
        vector: What is searched: a `SearchVector`, its name, or that of a field.
        query: What is looked for: text, or a `SearchQuery`.
        weights: What words of weight D, C, B and A count; 0.1, 0.2, 0.4 and 1 when None.
        normalization: How PostgreSQL takes the length of a text into account.
        cover_density: Let PostgreSQL count words that stand close to each other.

    Raises:
        FieldError: There are not four weights.
    """

    __slots__ = ("cover_density", "normalization", "weights")
    function, output = "search_rank", "float"

    def __init__(
        self,
        vector: Any,
        query: Any,
        *,
        weights: Sequence[float] | None = None,
        normalization: int | None = None,
        cover_density: bool = False,
    ) -> None:
        super().__init__(vector, query)
        self.weights = None if weights is None else tuple(float(each) for each in weights)
        if self.weights is not None and len(self.weights) != 4:
            raise FieldError(
                f"SearchRank(weights={weights!r}): expected four numbers, for D, C, B and A.",
                code="db.search",
            )
        self.normalization = None if normalization is None else int(normalization)
        self.cover_density = cover_density

    @property
    def option(self) -> Any:
        """How the rank is worked out."""
        return (self.weights, self.normalization, self.cover_density)

    def _resolve_subject(self, namespace: Namespace) -> Term:
        """Resolve what is searched: a name alone stands for the words of its field."""
        found = namespace.resolve_name(self.subject)
        if is_words(found.type):
            return found
        return SearchVector(self.subject).resolve_in(namespace)


class HeadlineOptions(NamedTuple):
    """How a headline is chosen and marked, under PostgreSQL's names; None leaves it to that."""

    StartSel: str
    StopSel: str
    MaxWords: int | None
    MinWords: int | None
    ShortWord: int | None
    HighlightAll: bool
    MaxFragments: int | None
    FragmentDelimiter: str


class SearchHeadline(_Searching):
    """The part of a text in which something was found, with marks around it.

    The text is not escaped: escape it, and not the marks, before it becomes HTML.

    Args:
        expression: The text: a field's name; on PostgreSQL any expression.
        query: What is looked for: text, or a `SearchQuery`.
        config: What makes words of text; that of the field's `SearchIndex` when None.
        start_sel: The mark before what was found.
        stop_sel: The mark behind it.
        max_words: Words to show at most; on SQLite up to 64.
        min_words: Words to show at least; PostgreSQL.
        short_word: Letters of words to leave out at both ends; PostgreSQL.
        highlight_all: Show the whole text.
        max_fragments: Parts to show; PostgreSQL.
        fragment_delimiter: What stands between parts, on SQLite at a cut.
    """

    __slots__ = ("config", "options")
    function, output = "search_headline", "text"

    def __init__(  # noqa: PLR0913 - Django's options
        self,
        expression: Any,
        query: Any,
        *,
        config: str | None = None,
        start_sel: str = "<b>",
        stop_sel: str = "</b>",
        max_words: int | None = None,
        min_words: int | None = None,
        short_word: int | None = None,
        highlight_all: bool = False,
        max_fragments: int | None = None,
        fragment_delimiter: str = " ... ",
    ) -> None:
        super().__init__(expression, query)
        self.config = None if config is None else check_config(config)
        self.options = HeadlineOptions(
            start_sel,
            stop_sel,
            max_words,
            min_words,
            short_word,
            highlight_all,
            max_fragments,
            fragment_delimiter,
        )

    @property
    def option(self) -> Any:
        """How the part is chosen and marked."""
        return (self.config, self.options)
