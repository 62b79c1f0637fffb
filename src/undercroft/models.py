"""Models, their fields and their querysets: `from undercroft import models`."""

from undercroft.db.fields.addresses import GenericIPAddressField
from undercroft.db.fields.arrays import ArrayField
from undercroft.db.fields.choices import IntegerChoices, TextChoices
from undercroft.db.fields.documents import BinaryField, JSONField
from undercroft.db.fields.enums import EnumField
from undercroft.db.fields.generated import GeneratedField
from undercroft.db.fields.info import FieldInfo, find_field_info
from undercroft.db.fields.keys import AutoField, BigAutoField, SmallAutoField, UUIDField
from undercroft.db.fields.moments import DateField, DateTimeField, DurationField, TimeField
from undercroft.db.fields.numbers import (
    BigIntegerField,
    BooleanField,
    DecimalField,
    FloatField,
    IntegerField,
    PositiveBigIntegerField,
    PositiveIntegerField,
    PositiveSmallIntegerField,
    SmallIntegerField,
)
from undercroft.db.fields.text import CharField, EmailField, SlugField, TextField, URLField
from undercroft.db.fields.time_types import UTCDateTime
from undercroft.db.fields.uuids import uuid7
from undercroft.db.manager import Manager, RelatedManager
from undercroft.db.mapping.constraints import (
    CheckConstraint,
    Deferrable,
    Index,
    UniqueConstraint,
)
from undercroft.db.mapping.foreign_keys import (
    CASCADE,
    DO_NOTHING,
    PROTECT,
    RESTRICT,
    SET_DEFAULT,
    SET_NULL,
    ForeignKey,
    OnDelete,
)
from undercroft.db.mapping.options import ModelOptions, Relation
from undercroft.db.mapping.registry import all_models, get_model
from undercroft.db.model import Model
from undercroft.db.queries.selection import Selection
from undercroft.db.queryset import QuerySet
from undercroft.db.schema import acreate_all, adrop_all, create_all, drop_all
from undercroft.errors import ProtectedError, RestrictedError

__all__ = [
    "CASCADE",
    "DO_NOTHING",
    "PROTECT",
    "RESTRICT",
    "SET_DEFAULT",
    "SET_NULL",
    "ArrayField",
    "AutoField",
    "BigAutoField",
    "BigIntegerField",
    "BinaryField",
    "BooleanField",
    "CharField",
    "CheckConstraint",
    "DateField",
    "DateTimeField",
    "DecimalField",
    "Deferrable",
    "DurationField",
    "EmailField",
    "EnumField",
    "FieldInfo",
    "FloatField",
    "ForeignKey",
    "GeneratedField",
    "GenericIPAddressField",
    "Index",
    "IntegerChoices",
    "IntegerField",
    "JSONField",
    "Manager",
    "Model",
    "ModelOptions",
    "OnDelete",
    "PositiveBigIntegerField",
    "PositiveIntegerField",
    "PositiveSmallIntegerField",
    "ProtectedError",
    "QuerySet",
    "RelatedManager",
    "Relation",
    "RestrictedError",
    "Selection",
    "SlugField",
    "SmallAutoField",
    "SmallIntegerField",
    "TextChoices",
    "TextField",
    "TimeField",
    "URLField",
    "UTCDateTime",
    "UUIDField",
    "UniqueConstraint",
    "acreate_all",
    "adrop_all",
    "all_models",
    "create_all",
    "drop_all",
    "find_field_info",
    "get_model",
    "uuid7",
]
