"""What narrows, orders and shapes a queryset: every method here gives a new one."""

from collections.abc import Iterable
from typing import Any, Self, TypeVar

from undercroft.db.queries.attributes import build_hiding, check_attribute
from undercroft.db.queries.columns import list_deferred, list_kept
from undercroft.db.queries.conditions import check_expression
from undercroft.db.queries.expressions import F, OrderBy, resolve_terms
from undercroft.db.queries.functions.search import SearchQuery, SearchRank, SearchType
from undercroft.db.queries.lookups import remember, resolve_lookup
from undercroft.db.queries.names import resolve_related, shorten
from undercroft.db.queries.namespace import is_expression
from undercroft.db.queries.prefetches import Prefetch, check_prefetches
from undercroft.db.queries.q import Q
from undercroft.db.queries.searching import as_query, find_searched
from undercroft.db.queries.shape import WHOLE, Operation
from undercroft.db.queries.terms import GROUP, Term, has_aggregate
from undercroft.db.query import Query
from undercroft.errors import FieldError

M = TypeVar("M")


class QueryBuilding(Query[M]):
    """The part of a queryset that makes others."""

    __slots__ = ()

    def all(self) -> Self:
        """Give a fresh copy, which fetches anew."""
        return self._renew()

    def _renew(self) -> Self:
        return self.derive((), ())

    def none(self) -> Self:
        """Give a queryset without rows."""
        lookup = resolve_lookup(self._options, f"{self._options.primary_keys[0]}__in")
        return self.derive((("in", lookup, 0),), ((),))

    def using(self, alias: str) -> Self:
        """Use another database."""
        copy = self.derive((), ())
        copy._alias = alias
        return copy

    # -------------------------------------------------------------- conditions

    def filter(self, /, *expressions: Any, **lookups: Any) -> Self:
        """Keep the rows for which everything given is true.

        Conditions on a relation to many rows are about the same row when they stand in one call.

        Args:
            expressions: `Q` objects, expressions, SQLAlchemy's such as
                `BlogPost.title.contains("x")`.
            lookups: Values by field and look-up, for example `author__name="Ada"`.

        Raises:
            FieldError: A name does not exist.
            FieldValueError: A value does not fit its field.
        """
        operations, parameters = self._build_conditions(expressions, lookups)
        return self.derive(operations, parameters)

    def exclude(self, /, *expressions: Any, **lookups: Any) -> Self:
        """Leave out the rows for which everything given is true.

        Raises:
            FieldError: A name does not exist.
            FieldValueError: A value does not fit its field.
        """
        # Not by keyword: `_connector` and `_negated` are names like any other here.
        denied = Q(*expressions, *sorted(lookups.items()))
        if not denied:
            return self.all()
        operations, parameters = self._build_conditions((~denied,), {})
        return self.derive(operations, parameters)

    def search(
        self,
        query: str | SearchQuery,
        *,
        index: str | None = None,
        search_type: SearchType = "websearch",
        rank: str | None = None,
    ) -> Self:
        """Keep the rows that have what is looked for in a `SearchIndex` of the model, best first.

        Args:
            query: What is looked for: text as people write it, or a `SearchQuery`.
            index: The index's name, where the model has several.
            search_type: How text is understood: `websearch` ("a phrase", -not, or), `plain` (all
                words), `phrase` (in this order), `raw` (the database's own language).
            rank: The name of an annotation that tells how well a row fits.

        Raises:
            FieldError: There is no such index.
        """
        self._check_uncut("search")
        namespace = self.build_namespace()
        lookup, vector = find_searched(namespace, index)
        wanted = as_query(query, search_type)
        operation = ("where-to", lookup, wanted.resolve_in(namespace).node)
        found = self.derive((operation,), tuple(namespace.parameters))
        fit: Any = SearchRank(vector, wanted)
        if rank is not None:
            found, fit = found.annotate(**{rank: fit}), F(rank)
        return found.order_by(fit.desc(), "pk")

    # -------------------------------------------------------------- order and extent

    def order_by(self, *terms: Any) -> Self:
        """Order by fields, `-` in front for descending; no arguments: in no order.

        Args:
            terms: Names such as `-author__name`, `"?"` for a random order, or expressions.

        Raises:
            FieldError: A name is no field.
        """
        self._check_uncut("order_by")
        known = self._options.lookups
        key: Any = ("order", terms)
        if not self._annotations and all(term.__class__ is str for term in terms):
            operations = known.get(key)
            if operations is None:
                namespace = self.build_namespace()
                operations = (("order", ()), ("order-add", resolve_terms(namespace, terms)))
                operations = namespace.remember(key, operations)
            return self.derive(operations, ())
        for term in terms:
            if not isinstance(term, (str, OrderBy)) and not is_expression(term):
                check_expression(term)
        namespace = self.build_namespace()
        added = ("order-add", resolve_terms(namespace, terms))
        if has_aggregate(tuple(term.node for term in added[1])):
            self._check_grouped("order_by")
        return self.derive((("order", ()), added), tuple(namespace.parameters))

    def reverse(self) -> Self:
        """Turn the order around."""
        self._check_uncut("reverse")
        return self.derive((("reverse",),), ())

    def distinct(self, *names: str) -> Self:
        """Keep one of rows that are alike; with names, the first of those alike in these columns.

        Args:
            names: Columns (PostgreSQL); they must come first in the order.

        Raises:
            FieldError: A name is no field.
        """
        self._check_uncut("distinct")
        namespace = self.build_namespace()
        nodes = tuple(namespace.find(name).node for name in names)
        return self.derive((("distinct", nodes),), tuple(namespace.parameters))

    def select_for_update(
        self,
        *,
        nowait: bool = False,
        skip_locked: bool = False,
        of: Iterable[str] = (),
        no_key: bool = False,
    ) -> Self:
        """Lock the rows until the transaction ends; SQLite has one writer anyway.

        Args:
            nowait: Fail at once when another holds them.
            skip_locked: Leave out those another holds.
            of: `self` and relations, where not all tables' rows are to be locked.
            no_key: Allow others to refer to the rows (PostgreSQL).

        Raises:
            FieldError: Both `nowait` and `skip_locked`, or a name that is no relation.
        """
        if nowait and skip_locked:
            raise FieldError("nowait and skip_locked exclude each other.", code="db.lock")
        paths = tuple(() if name == "self" else resolve_related(self._options, name) for name in of)
        options = (
            ("nowait", nowait),
            ("skip_locked", skip_locked),
            ("of", paths),
            ("key_share", no_key),
        )
        return self.derive((("lock", options),), ())

    # -------------------------------------------------------------- relations and columns

    def select_related(self, *names: str | None) -> Self:
        """Load to-one relations along with the rows, in the same query.

        Args:
            names: Relations such as `author`, or paths of them such as `author__publisher`; None
                to forget those asked for before.

        Raises:
            FieldError: A name is no relation to one row.
        """
        if names == (None,):
            return self._without("related")
        known: dict[Any, Any] = self._options.lookups
        operation: Any = known.get(names)
        if operation is None:
            paths = tuple(resolve_related(self._options, str(name)) for name in names)
            operation = remember(self._options, names, ("related", paths))
        return self.derive((operation,), ())

    def prefetch_related(self, *lookups: "str | Prefetch | None") -> Self:
        """Load relations of all rows, one query each, after the rows.

        Args:
            lookups: Names such as `tags` or `books__reviews`, or `Prefetch` objects; None to
                forget those asked for before.

        Raises:
            FieldError: A name is no relation.
        """
        copy = self.derive((), ())
        if lookups == (None,):
            copy._prefetches = ()
            return copy
        made = tuple(
            each if isinstance(each, Prefetch) else Prefetch(str(each)) for each in lookups
        )
        copy._prefetches = (*self._prefetches, *made)
        check_prefetches(self._options, copy._prefetches)
        return copy

    def only(self, *names: str) -> Self:
        """Load instances with these columns and the key; others at their first use.

        Raises:
            FieldError: A name is no field.
        """
        return self._replace_deferred(list_kept(self._options, names))

    def defer(self, *names: str | None) -> Self:
        """Load instances without these columns, which are loaded at their first use.

        Raises:
            FieldError: A name is no field.
        """
        if names == (None,):
            return self._without("defer")
        before: frozenset[Any] = frozenset()
        for operation in self._operations:
            if operation[0] == "defer":
                before = operation[1]
        return self._replace_deferred(before | list_deferred(self._options, names))

    def _replace_deferred(self, deferred: frozenset[Any]) -> Self:
        return self.derive((("defer", deferred),), ())

    def _without(self, kind: str) -> Self:
        copy = self.derive((), ())
        copy._operations = tuple(each for each in copy._operations if each[0] != kind)
        return copy

    # -------------------------------------------------------------- annotations

    def annotate(self, *expressions: Any, **named: Any) -> Self:
        """Add what the database works out to every row, under a name.

        An aggregate such as `Count("books")` is of each row's own, or of each group after
        `values()`.

        Args:
            expressions: Aggregates that name themselves, `Count("books")` as `books__count`.
            named: Expressions by name.

        Raises:
            FieldError: A name is taken, no name at all, or something is no expression.
        """
        return self._annotate("annotate", expressions, named)

    def alias(self, *expressions: Any, **named: Any) -> Self:
        """As `annotate`, for conditions and order only: rows do not show it.

        Raises:
            FieldError: A name is taken, no name at all, or something is no expression.
        """
        return self._annotate("alias", expressions, named)

    def _annotate(self, kind: str, expressions: tuple[Any, ...], named: dict[str, Any]) -> Self:
        self._check_uncut(kind)
        given = {**_name_all(expressions), **named}
        terms = dict(self._annotations)
        operations: list[Operation] = []
        namespace = self.build_namespace()
        namespace.annotations = terms
        is_grouped = self._has("group")
        for name, expression in given.items():
            self._check_name(name, expression)
            term = namespace.resolve(expression)
            if term.level == GROUP and not is_grouped:
                operations.append(("group", self._list_groups()))
                is_grouped = True
            operations.append((kind, name, term.node, term.level))
            terms[name] = Term(
                ("ref", name), term.type, term.level, term.null, owner=self._options.name, name=name
            )
        copy = self.derive(tuple(operations), tuple(namespace.parameters))
        copy._annotations = terms
        if copy._form is not None and kind == "annotate":
            form, names, nodes = copy._form
            refs = tuple(("ref", name) for name in given)
            copy._form = (form, (*names, *given), (*nodes, *refs))
        return copy

    def _list_groups(self) -> tuple[Any, ...] | None:
        """List what rows are grouped by: what `values` named, else the key."""
        if self._form is None:
            return None
        levels = {name: term.level for name, term in self._annotations.items()}
        return tuple(node for node in self._form[2] if node[0] != "ref" or levels[node[1]] < GROUP)

    def _check_name(self, name: str, expression: Any) -> None:
        """Refuse a name that is none, and one that means something already.

        Raises:
            FieldError: It is one of these, or what it names is no expression.
        """
        check_attribute(self._options, name, "annotation")
        if self._options.knows(name):
            raise build_hiding(self._options, name, "annotation")
        if not is_expression(expression):
            shown = shorten(repr(expression))
            raise FieldError(
                f"{name}={shown} is no expression.",
                hint=f"Write Value({shown}) for the value itself, or F(...) for a field.",
                code="db.annotation",
            )

    # -------------------------------------------------------------- several queries

    def union(self, *others: Any, all: bool = False) -> Self:
        """Give the rows of this query and of others; equal ones once, unless `all`."""
        return self._combine("union", others, is_all=all)

    def intersection(self, *others: Any) -> Self:
        """Give the rows that this query and all the others have."""
        return self._combine("intersect", others, is_all=False)

    def difference(self, *others: Any) -> Self:
        """Give the rows of this query that none of the others has."""
        return self._combine("except_", others, is_all=False)

    def _combine(self, name: str, others: tuple[Any, ...], *, is_all: bool) -> Self:
        if not others:
            return self.all()
        calls = [query.build_fetch() for query in (self, *others)]
        copy = self.derive((), ())
        copy._operations = (("combine", name, is_all, tuple(call.shape for call in calls)),)
        copy._parameters = tuple(value for call in calls for value in call.parameters)
        copy._window = WHOLE
        shown = {each[1] for each in self._operations if each[0] == "annotate"}
        terms = {name: term for name, term in self._annotations.items() if name in shown}
        if self._form is not None:
            form, names, nodes = self._form
            namespace = self.build_namespace()
            terms |= {
                name: self._refer(name, namespace.find(name)) for name in names if "__" in name
            }
            refs = tuple(
                ("ref", name) if name in terms else node
                for name, node in zip(names, nodes, strict=True)
            )
            copy._form = (form, names, refs)
        copy._annotations = {name: self._refer(name, term) for name, term in terms.items()}
        return copy

    def _refer(self, name: str, term: Term) -> Term:
        return Term(("ref", name), term.type, owner=self._options.name, name=name)

    def __and__(self, other: "QueryBuilding[M]") -> Self:
        """Give the rows that both queries have."""
        return self.filter(pk__in=other)

    def __or__(self, other: "QueryBuilding[M]") -> Self:
        """Give the rows that either query has."""
        whole = self.derive((), ())
        whole._operations, whole._parameters = (), ()
        whole._window = WHOLE
        return whole.filter(Q(pk__in=self) | Q(pk__in=other))


def _name_all(expressions: Iterable[Any]) -> dict[str, Any]:
    """Name expressions that name themselves.

    Raises:
        FieldError: One does not.
    """
    return {find_name(expression, ""): expression for expression in expressions}


def find_name(expression: Any, otherwise: str) -> str:
    """Find the name an expression gives itself, or another.

    Raises:
        FieldError: There is neither.
    """
    name = getattr(expression, "default_alias", None) or otherwise
    if not name:
        raise FieldError(
            f"{expression!r} needs a name.",
            hint=f"Write name={expression!r}.",
            code="db.annotation",
        )
    return str(name)
