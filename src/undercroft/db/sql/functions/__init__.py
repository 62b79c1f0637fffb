"""The SQL of functions, by the names `queries.functions` gives them, on each database.

What SQLite lacks is taken from `connections.sqlite_functions`, under names that begin with
`undercroft_`.
"""
