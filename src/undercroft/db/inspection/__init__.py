"""Models out of a database that is there: what its tables say, written as Python."""

from undercroft.db.inspection.inspecting import (
    Inspection,
    InspectOptions,
    ainspect_database,
    inspect_database,
)

__all__ = ["InspectOptions", "Inspection", "ainspect_database", "inspect_database"]
