"""Cache: values kept for a while, in this process or in a server that several share."""

from undercroft.cache.interface import Cache
from undercroft.cache.memory import MemoryCache
from undercroft.cache.urls import build_cache

__all__ = ["Cache", "MemoryCache", "build_cache"]
