"""Fields of forms, with Django's names."""

from undercroft.forms.fields.booleans import BooleanField
from undercroft.forms.fields.choices import ChoiceField, MultipleChoiceField
from undercroft.forms.fields.field import Choices, Field
from undercroft.forms.fields.files import FileField, ImageField, MultipleFileField
from undercroft.forms.fields.moments import DateField, DateTimeField, TimeField
from undercroft.forms.fields.numbers import DecimalField, FloatField, IntegerField
from undercroft.forms.fields.rows import ModelChoiceField, ModelMultipleChoiceField
from undercroft.forms.fields.text import CharField, EmailField, SlugField, URLField
from undercroft.forms.fields.uuids import UUIDField

__all__ = [
    "BooleanField",
    "CharField",
    "ChoiceField",
    "Choices",
    "DateField",
    "DateTimeField",
    "DecimalField",
    "EmailField",
    "Field",
    "FileField",
    "FloatField",
    "ImageField",
    "IntegerField",
    "ModelChoiceField",
    "ModelMultipleChoiceField",
    "MultipleChoiceField",
    "MultipleFileField",
    "SlugField",
    "TimeField",
    "URLField",
    "UUIDField",
]
