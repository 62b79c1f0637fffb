"""Serializers: Pydantic models that say which fields of a model leave and enter the API."""

import sys
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, create_model

# Pydantic gives its metaclass no public name; there is no other way to make fields before it looks.
from pydantic._internal._model_construction import ModelMetaclass

from undercroft.api.declarations import Declaration, DeclaredField, read_declaration
from undercroft.api.fields import build_read_field
from undercroft.api.loading import LoadPlan, build_load_plan, find_nested
from undercroft.api.variants import Variant, WriteSerializer, build_variant
from undercroft.errors import ImproperlyConfigured

_SUFFIX = "Serializer"


def find_meta(bases: tuple[type[Any], ...]) -> Any:
    """Find the `Meta` a class inherits."""
    for base in bases:
        meta = getattr(base, "Meta", None)
        if meta is not None:
            return meta
    return None


def list_inherited(bases: tuple[type[Any], ...]) -> list[str]:
    """List what a class's parents annotate as fields."""
    inherited: list[str] = []
    for base in bases:
        declaration: Declaration | None = getattr(base, "declaration", None)
        if declaration is not None:
            inherited += [each.name for each in declaration.fields if each.is_explicit]
        elif issubclass(base, BaseModel):
            inherited += base.model_fields
    return inherited


def is_field_name(name: str) -> bool:
    """Tell whether an annotated name is a field to Pydantic."""
    return not name.startswith("_") and name != "model_config"


def read_annotations(namespace: dict[str, Any]) -> dict[str, Any]:
    """Read the annotations of a class that is being made, whenever Python evaluates them."""
    found: dict[str, Any] | None = namespace.get("__annotations__")
    if found is None and sys.version_info >= (3, 14):
        import annotationlib  # noqa: PLC0415 - new in Python 3.14

        annotate = annotationlib.get_annotate_from_class_namespace(namespace)
        if annotate is not None:
            forward = annotationlib.Format.FORWARDREF
            found = annotationlib.call_annotate_function(annotate, forward)
    return found or {}


def check_fields(serializer: Any) -> None:
    """Check a serializer that was made.

    Raises:
        ImproperlyConfigured: It inherits a field its `Meta` leaves out, or nests a serializer
            where that cannot be.
    """
    declared = [each.name for each in serializer.declaration.fields if not each.is_write_only]
    stray = [name for name in serializer.model_fields if name not in declared]
    if stray:
        raise ImproperlyConfigured(
            f"{serializer.__name__} inherits the field {stray[0]!r}, which its Meta leaves out.",
            hint="Derive both serializers from a third that has only the fields they share.",
            code="api.inherited-field",
        )
    for each in serializer.declaration.fields:
        if each.is_explicit and not each.is_write_only:
            check_nested(serializer, each)


def check_nested(serializer: Any, declared: DeclaredField) -> None:
    """Check a nested serializer against the relation it stands for.

    Raises:
        ImproperlyConfigured: It is of another model, or the relation may lead nowhere.
    """
    found = find_nested(serializer.model_fields[declared.name].annotation)
    if found is None:
        return
    nested, may_be_none = found
    place = f"{serializer.__name__}.{declared.name}"
    if declared.relation is None:
        raise ImproperlyConfigured(
            f"{place} is a {nested.__name__}, and {serializer.declaration.options.name} has no"
            f" relation {declared.name!r}.",
            hint="Nest a serializer under the name of a ForeignKey.",
            code="api.nested",
        )
    target = declared.relation.target
    if not issubclass(target, nested.declaration.model):
        raise ImproperlyConfigured(
            f"{place} is a {nested.__name__}, which is for"
            f" {nested.declaration.model.__name__}; the relation leads to {target.__name__}.",
            hint=f"Nest a serializer whose Meta.model is {target.__name__}.",
            code="api.nested",
        )
    if declared.relation.null and not may_be_none:
        raise ImproperlyConfigured(
            f"{place} may be missing: its ForeignKey has null=True.",
            hint=f"Write `{declared.name}: {nested.__name__} | None`.",
            code="api.nested",
        )


class SerializerMetaclass(ModelMetaclass):
    """Makes the fields of a model serializer from its `Meta`, then lets Pydantic take over."""

    def __new__(
        mcs, name: str, bases: tuple[type[Any], ...], namespace: dict[str, Any], **kwargs: Any
    ) -> Any:
        """Make a serializer class.

        Raises:
            ImproperlyConfigured: Its `Meta`, or a nested serializer, does not fit the model.
        """
        is_generated = kwargs.pop("is_generated", False)
        meta = namespace.get("Meta") or find_meta(bases)
        config: dict[str, Any] = namespace.get("model_config", {})
        if "title" not in config:
            kwargs.setdefault("title", name.removesuffix(_SUFFIX) or name)
        if meta is None or is_generated:
            return super().__new__(mcs, name, bases, namespace, **kwargs)
        inherited = list_inherited(bases)
        own = [each for each in read_annotations(namespace) if is_field_name(each)]
        declaration = read_declaration(name, meta, list(dict.fromkeys([*inherited, *own])))
        fields: dict[str, Any] = {
            declared.name: build_read_field(declaration.options, declared)
            for declared in declaration.fields
            if not declared.is_write_only
            and (declared.name in own or declared.name not in inherited)
        }
        generated = create_model(
            f"{name}Fields",
            __base__=bases,
            __module__=namespace["__module__"],
            __cls_kwargs__={"is_generated": True},
            **fields,
        )
        made: Any = super().__new__(mcs, name, (generated,), namespace, **kwargs)
        made.declaration = declaration
        made.own_variants = {}
        made.own_load_plan = None
        check_fields(made)
        return made

    @property
    def Create(cls) -> type[WriteSerializer]:  # noqa: N802 - a class, reached as one
        """The variant that creates a row."""
        return cls.get_variant(Variant.CREATE)

    @property
    def Update(cls) -> type[WriteSerializer]:  # noqa: N802 - a class, reached as one
        """The variant that replaces a row (PUT)."""
        return cls.get_variant(Variant.UPDATE)

    @property
    def PartialUpdate(cls) -> type[WriteSerializer]:  # noqa: N802 - a class, reached as one
        """The variant that changes what is sent (PATCH): a field left out is not null."""
        return cls.get_variant(Variant.PARTIAL_UPDATE)

    def get_variant(cls, variant: Variant) -> type[WriteSerializer]:
        """Get a variant, made at its first use."""
        serializer: Any = cls
        if getattr(serializer, "declaration", None) is None:
            raise ImproperlyConfigured(
                f"{cls.__name__} is no serializer of a model and has no variants.",
                hint="Give it a Meta with a model.",
                code="api.no-model",
            )
        variants: dict[Variant, type[WriteSerializer]] = serializer.own_variants
        if variant not in variants:
            name = str(serializer.model_config.get("title", cls.__name__))
            variants[variant] = build_variant(serializer, name, variant)
        return variants[variant]


class Serializer(BaseModel, metaclass=SerializerMetaclass):
    """A Pydantic model under REST framework's name; it reads attributes as well as dicts.

    Its name in OpenAPI is the class's without `Serializer`, or `model_config["title"]`.
    """

    model_config = ConfigDict(from_attributes=True)


class ModelSerializer(Serializer):
    """A serializer whose fields are made from a model.

    The class itself is what is read. `.Create`, `.Update` and `.PartialUpdate` are what is
    written: Pydantic models too, good as the body of any handler.

        class BlogPostSerializer(ModelSerializer):
            author: AuthorSerializer

            class Meta:
                model = BlogPost
                fields = ["id", "title", "author"]
    """

    declaration: ClassVar[Declaration | None] = None
    own_variants: ClassVar[dict[Variant, type[WriteSerializer]]] = {}
    own_load_plan: ClassVar[LoadPlan | None] = None

    @classmethod
    def create_model(cls) -> type[WriteSerializer]:
        """Return the variant that creates a row."""
        return cls.Create

    @classmethod
    def get_load_plan(cls) -> LoadPlan:
        """Get the plan that loads what this serializer needs, made at its first use.

        Raises:
            ImproperlyConfigured: The class has no model, or names a type that is not defined.
        """
        if cls.own_load_plan is None:
            cls.own_load_plan = build_load_plan(cls)
        return cls.own_load_plan

    @classmethod
    def build_renderer(cls, *, many: bool) -> Callable[[Any], bytes | Awaitable[bytes]]:
        """Build what a handler declared to return this serializer answers with.

        Args:
            many: The handler returns a list, or a queryset.
        """
        plan = cls.get_load_plan()
        return plan.render_many if many else plan.render_one
