"""Functions that SQLite lacks or means differently, written in Python, for every connection.

All but aggregates are deterministic, so that indexes and generated columns may use them. Moments
are the text SQLAlchemy stores, `2026-01-31 12:00:00.000000`; spans of time are microseconds.
"""
