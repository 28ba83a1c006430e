"""Names and help texts of models, which the code gives in English, in the language of the admin's reader."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Field, Model
from django.utils.functional import Promise

from hitl.core.admin_names import NAMES

SHOWN: set[str] = set()
"""Every such text of the models that the admin shows, in English."""


def translate_names(model: type[Model]) -> None:
    """From now on these texts follow the active language. Migrations read the fields' own declarations instead."""
    for owner, attribute in _places(model):
        text = getattr(owner, attribute, "")
        if not text or (isinstance(owner, Field) and isinstance(text, Promise)):
            continue  # Django's own, translated by Django
        SHOWN.add(str(text))
        setattr(owner, attribute, NAMES.get(str(text), text))


def _places(model: type[Model]) -> Iterator[tuple[Any, str]]:
    options = model._meta
    if not isinstance(options.app_config.verbose_name, Promise):
        yield options.app_config, "verbose_name"
    yield options, "verbose_name"
    yield options, "verbose_name_plural"
    for field in options.fields + options.many_to_many:
        yield field, "verbose_name"
        yield field, "help_text"
