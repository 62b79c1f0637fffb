"""Serializers: `from undercroft import serializers`."""

from undercroft.api.serializers import ModelSerializer, Serializer
from undercroft.api.variants import Variant, WriteSerializer

__all__ = ["ModelSerializer", "Serializer", "Variant", "WriteSerializer"]
