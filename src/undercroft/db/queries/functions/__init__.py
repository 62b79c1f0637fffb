"""The database's functions, under Django's names: `Lower("title")`, `Coalesce("rating", 0)`.

A string among the arguments is a field's name; text itself is written `Value("text")`.
"""
