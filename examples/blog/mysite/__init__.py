"""The project: its settings and its application."""
