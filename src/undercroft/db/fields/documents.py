"""Fields whose content the database does not look into by itself: JSON."""

from typing import Any

from undercroft.db.fields.field import Field
from undercroft.db.fields.types import Json

JSONField = Field[Any]("JSONField", lambda: Json)
