"""Which foreign keys become relations, what they are called, and which model comes first."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from undercroft.db.inspection.names import build_attribute, build_class_name, find_free
from undercroft.db.inspection.schema import ForeignKeySchema, TableSchema


@dataclass(slots=True)
class RelationDraft:
    """A foreign key that becomes a field.

    Attributes:
        key: As the database has it.
        target: The model it refers to.
        target_column: The column it refers to; None for the primary key.
        is_single: Whether only one row may refer to a target.
        name: The attribute.
        related_name: What the target calls it; None for the name it gets by itself.
    """

    key: ForeignKeySchema
    target: "ModelDraft"
    target_column: str | None
    is_single: bool
    name: str = ""
    related_name: str | None = None

    @property
    def column(self) -> str:
        """The column."""
        return self.key.columns[0]


@dataclass(slots=True)
class ManyDraft:
    """A relation of many to many.

    Attributes:
        name: The attribute.
        near: The foreign key of the model between that refers to this side.
        far: The one that refers to the other side.
        through: The model between.
        related_name: What the other side calls it; None for the name it gets by itself.
    """

    name: str
    near: RelationDraft
    far: RelationDraft
    through: "ModelDraft"
    related_name: str | None = None


@dataclass(slots=True, eq=False)
class ModelDraft:
    """A model about to be written.

    Attributes:
        table: What it is of.
        name: The class's.
        relations: Foreign keys that become fields, by column.
        constraints: Foreign keys that do not, but can be declared.
        strange: Foreign keys that cannot even be declared.
        attributes: Attributes by column; of foreign keys that of the column.
        taken: Every name that nothing else may have.
        many: Its relations of many to many.
    """

    table: TableSchema
    name: str
    relations: dict[str, RelationDraft] = field(default_factory=dict[str, RelationDraft])
    constraints: list[ForeignKeySchema] = field(default_factory=list[ForeignKeySchema])
    strange: list[ForeignKeySchema] = field(default_factory=list[ForeignKeySchema])
    attributes: dict[str, str] = field(default_factory=dict[str, str])
    taken: set[str] = field(default_factory=set[str])
    many: list[ManyDraft] = field(default_factory=list[ManyDraft])

    @property
    def lower(self) -> str:
        """The class's name in lower case."""
        return self.name.lower()

    def get_field(self, column: str) -> str:
        """Get the name of the field of a column: of a foreign key the relation's."""
        relation = self.relations.get(column)
        return relation.name if relation else self.attributes[column]


def draft_models(
    tables: Sequence[TableSchema], reserved: Iterable[str], prefix: str = ""
) -> list[ModelDraft]:
    """Draft the models of tables, those referred to first.

    Args:
        tables: The tables.
        reserved: Attributes that every model has.
        prefix: What the names of classes leave out of the tables'.
    """
    drafts: dict[str, ModelDraft] = {}
    for table in tables:
        taken = {draft.name for draft in drafts.values()}
        name = build_class_name(table.name.removeprefix(prefix) or table.name, taken)
        drafts[table.name] = ModelDraft(table, name, taken=set(reserved))
    for draft in drafts.values():
        choose_relations(draft, drafts)
        name_attributes(draft)
    for draft in drafts.values():
        for relation in draft.relations.values():
            name_reverse(draft, relation)
    for draft in drafts.values():
        join_many(draft)
    return order_drafts(list(drafts.values()))


# ------------------------------------------------------------------ foreign keys


def choose_relations(draft: ModelDraft, drafts: Mapping[str, ModelDraft]) -> None:
    """Choose the foreign keys that become fields; the others stay constraints."""
    order = [column.name for column in draft.table.columns]
    for key in sorted(draft.table.foreign_keys, key=lambda key: order.index(key.columns[0])):
        relation = build_relation(draft, key, drafts)
        if relation is not None and relation.column not in draft.relations:
            draft.relations[relation.column] = relation
        elif is_declarable(key, drafts):
            draft.constraints.append(key)
        else:
            draft.strange.append(key)


def is_declarable(key: ForeignKeySchema, drafts: Mapping[str, ModelDraft]) -> bool:
    """Tell whether SQLAlchemy can find what a foreign key refers to, by text."""
    target = drafts.get(key.table) if key.schema is None else None
    if target is None or "." in key.table:
        return False
    names = {column.name for column in target.table.columns}
    return all(each in names and "." not in each for each in key.referred)


def build_relation(
    draft: ModelDraft, key: ForeignKeySchema, drafts: Mapping[str, ModelDraft]
) -> RelationDraft | None:
    """Build the relation of a foreign key; None where it cannot be one."""
    target = drafts.get(key.table) if key.schema is None else None
    if target is None or len(key.columns) != 1:
        return None
    column = draft.table.get_column(key.columns[0])
    if column.computed is not None or column.is_counted or column.identity is not None:
        return None
    if key.options.get("ondelete") == "SET NULL" and not column.nullable:
        return None
    # SQLite takes the names of columns in any letters.
    names = {each.name.lower(): each.name for each in target.table.columns}
    referred = names.get(key.referred[0].lower())
    if referred is None:
        return None
    is_single = draft.table.is_unique(key.columns)
    if target.table.primary_key == (referred,):
        return RelationDraft(key, target, None, is_single)
    if target.table.is_unique((referred,)):
        return RelationDraft(key, target, referred, is_single)
    return None


# ------------------------------------------------------------------ names


def name_attributes(draft: ModelDraft) -> None:
    """Name the attributes: first of columns by themselves, then of relations."""
    for column in draft.table.columns:
        if column.name not in draft.relations:
            name = build_attribute(column.name, draft.taken)
            draft.attributes[column.name] = name
            draft.taken.add(name)
    for relation in draft.relations.values():
        name = name_relation(relation.column, draft.taken)
        relation.name = name
        draft.attributes[relation.column] = f"{name}_id"
        draft.taken |= {name, f"{name}_id"}


def name_relation(column: str, taken: set[str]) -> str:
    """Name a relation so that its column's attribute, with `_id` behind, is free as well."""
    # With and without `_id`, whatever way the column is written.
    words = build_attribute(column, ())
    base = words.removesuffix("_id").rstrip("_") or words
    blocked = taken | {name.removesuffix("_id") for name in taken if name.endswith("_id")}
    return build_attribute(base, blocked, "ref")


def name_reverse(draft: ModelDraft, relation: RelationDraft) -> None:
    """Name the other side, where the name it gets by itself is taken or would not tell which."""
    target = relation.target
    is_alone = sum(each.target is target for each in draft.relations.values()) == 1
    accessor = draft.lower if relation.is_single else f"{draft.lower}_set"
    if not is_alone or accessor in target.taken or draft.lower in target.taken:
        accessor = f"{draft.lower}_{relation.name}"
        wanted = [accessor if relation.is_single else f"{accessor}_set"]
        relation.related_name = accessor = find_free(wanted, target.taken)
        target.taken.add(accessor)
    else:
        # The second is what look-ups call it.
        target.taken |= {accessor, draft.lower}


# ------------------------------------------------------------------ many to many


def join_many(through: ModelDraft) -> None:
    """Let a table that only joins two others be a relation of many to many of the first."""
    if not is_plain_join(through):
        return
    near, far = (through.relations[each] for each in find_joined(through))
    owner, name = near.target, f"{far.name}s" if not far.name.endswith("s") else f"{far.name}_set"
    draft = ManyDraft(find_free([name, f"{name}_list"], owner.taken), near, far, through)
    owner.taken.add(draft.name)
    owner.many.append(draft)
    taken = far.target.taken
    if f"{owner.lower}_set" in taken or owner.lower in taken:
        draft.related_name = find_free([f"{owner.lower}_{draft.name}_set"], taken)
        taken.add(draft.related_name)
    else:
        taken |= {f"{owner.lower}_set", owner.lower}


def find_joined(draft: ModelDraft) -> tuple[str, ...]:
    """Find the two foreign keys that are unique together; nothing where a table joins no two."""
    table = draft.table
    columns = tuple(each.name for each in table.columns if each.name in draft.relations)
    is_join = len(columns) == 2 and table.is_unique(columns)
    if not is_join or any(draft.relations[each].is_single for each in columns):
        return ()
    if any(draft.relations[each].target is draft for each in columns):
        return ()
    return columns


def is_plain_join(draft: ModelDraft) -> bool:
    """Tell whether a table joins two others, by rows that always have both and nothing else."""
    joined = find_joined(draft)
    own = [each for each in draft.table.columns if each.name not in joined]
    return (
        bool(joined)
        and all(each.is_counted for each in own)
        and all(
            not draft.table.get_column(each).nullable
            and draft.relations[each].target_column is None
            for each in joined
        )
    )


# ------------------------------------------------------------------ order


def order_drafts(drafts: Sequence[ModelDraft]) -> list[ModelDraft]:
    """Order models so that a class is there before it is referred to, as far as that can be."""
    waiting = list(drafts)
    ordered: list[ModelDraft] = []
    while waiting:
        free = (draft for draft in waiting if not needs_any(draft, waiting))
        chosen = next(free, waiting[0])
        waiting.remove(chosen)
        ordered.append(chosen)
    return ordered


def needs_any(draft: ModelDraft, others: Sequence[ModelDraft]) -> bool:
    """Tell whether a model refers to one of others, itself left out."""
    targets = [relation.target for relation in draft.relations.values()]
    targets += [many.far.target for many in draft.many]
    return any(target in others and target is not draft for target in targets)
