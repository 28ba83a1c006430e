"""What every section of a policy document is made of: strict structs and bounded values."""

from typing import Annotated

import msgspec
from msgspec import Meta

Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Rate = Annotated[float, Meta(ge=0.01, le=1.0)]
Count = Annotated[int, Meta(ge=0, le=200)]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
OneIn = Annotated[int, Meta(ge=1, le=1_000_000)]
Slug = Annotated[str, Meta(min_length=1, max_length=60)]
Sentence = Annotated[str, Meta(min_length=1, max_length=500)]


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the document: immutable, and a key that it does not know is refused."""
