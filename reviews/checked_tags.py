"""What a declaration of content tags must look like."""

import re
from typing import Annotated

import msgspec
from django.core.exceptions import ValidationError
from msgspec import Meta

TAG = r"^[a-z0-9][a-z0-9_-]{0,59}$"


class TagRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One content tag of a task type. Null: no limit; `run`: after so many in a row others are preferred."""

    tag: Annotated[str, Meta(pattern=TAG)]
    daily_cap: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    run: Annotated[int, Meta(ge=1, le=1_000)] | None = None
    always: bool = False


def check_tags(value: object) -> None:
    """Validator of `ContentCare.tags`."""
    try:
        rules = msgspec.convert(value, list[TagRule])
    except msgspec.ValidationError as error:
        raise ValidationError(str(error)) from None
    if len({rule.tag for rule in rules}) != len(rules):
        raise ValidationError("A tag is declared twice.")


def check_pointer(value: str) -> None:
    """Validator of `ContentCare.pointer`: RFC 6901, in characters that need no escape."""
    if value and not re.fullmatch(r"(/[A-Za-z0-9_-]+){1,8}", value):
        raise ValidationError("Give a JSON pointer such as /content_tags.")
