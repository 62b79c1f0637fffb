"""Fields that identify a row: numbers counted by the database, and UUIDs."""

import uuid

import sqlalchemy as sa

from undercroft.db.fields.field import Field
from undercroft.db.fields.types import BigId, SmallId

AutoField = Field[int]("AutoField", sa.Integer, primary_key=True, editable=False)
BigAutoField = Field[int]("BigAutoField", lambda: BigId, primary_key=True, editable=False)
SmallAutoField = Field[int]("SmallAutoField", lambda: SmallId, primary_key=True, editable=False)
UUIDField = Field[uuid.UUID]("UUIDField", sa.Uuid)
