"""Every function by its name."""

from undercroft.db.sql.functions.building import Build, call_custom, same, typed
from undercroft.db.sql.functions.comparison import COMPARISON
from undercroft.db.sql.functions.json import JSON
from undercroft.db.sql.functions.moments import MOMENTS
from undercroft.db.sql.functions.numbers import NUMBERS
from undercroft.db.sql.functions.search import SEARCH
from undercroft.db.sql.functions.text import TEXT

#: The functions that only a window has.
WINDOWS: dict[str, Build] = {
    "cume_dist": typed("float", "cume_dist"),
    "dense_rank": typed("bigint", "dense_rank"),
    "first_value": same("first_value"),
    "lag": same("lag"),
    "last_value": same("last_value"),
    "lead": same("lead"),
    "nth_value": same("nth_value"),
    "ntile": typed("int", "ntile"),
    "percent_rank": typed("float", "percent_rank"),
    "rank": typed("bigint", "rank"),
    "row_number": typed("bigint", "row_number"),
}

#: The functions.
FUNCTIONS: dict[str, Build] = {
    **COMPARISON,
    **JSON,
    **MOMENTS,
    **NUMBERS,
    **SEARCH,
    **TEXT,
    **WINDOWS,
    "custom": call_custom,
}
