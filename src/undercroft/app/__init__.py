"""The composition root: one object that is a complete application."""

from undercroft.app.application import App

__all__ = ["App"]
