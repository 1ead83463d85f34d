"""What a store says of an object without reading it."""

import dataclasses
from datetime import datetime


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stored:
    """An object: its name, size and age."""

    name: str
    size_bytes: int
    created: datetime
    """With a time zone."""
