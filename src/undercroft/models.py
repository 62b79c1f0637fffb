"""Models, their fields and their querysets: `from undercroft import models`."""

from undercroft.db.fields.documents import JSONField
from undercroft.db.fields.info import FieldInfo, find_field_info
from undercroft.db.fields.keys import AutoField, BigAutoField, SmallAutoField, UUIDField
from undercroft.db.fields.moments import DateField, DateTimeField, TimeField
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
from undercroft.db.fields.types import UTCDateTime
from undercroft.db.manager import Manager, RelatedManager
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
    "AutoField",
    "BigAutoField",
    "BigIntegerField",
    "BooleanField",
    "CharField",
    "DateField",
    "DateTimeField",
    "DecimalField",
    "EmailField",
    "FieldInfo",
    "FloatField",
    "ForeignKey",
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
    "TextField",
    "TimeField",
    "URLField",
    "UTCDateTime",
    "UUIDField",
    "acreate_all",
    "adrop_all",
    "all_models",
    "create_all",
    "drop_all",
    "find_field_info",
    "get_model",
]
