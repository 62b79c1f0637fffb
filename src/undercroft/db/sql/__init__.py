"""How it is said: SQLAlchemy statements from shapes, compiled once."""
