"""What templates say of stored English, in the reader's language (builtins of every template)."""

from django import template
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from hitl.core.said import said as in_words

register = template.Library()


_WORDS = (
    *(_("low"), _("medium"), _("high"), _("critical")),
    *(_("flag"), _("function"), _("label"), _("list"), _("map"), _("number"), _("operator"), _("text"), _("any")),
)


@register.filter
def said(text: object) -> str:
    """A sentence of ours: `{{ error.detail|said }}`."""
    return in_words(str(text)) if text else ""


@register.filter
def word(code: object) -> str:
    """A level or kind within a sentence: `{{ risk|word }}`. Codes not in `_WORDS` stay as they are."""
    return gettext(code) if isinstance(code, str) and code in _WORDS else str(code)


@register.filter
def titled(code: str) -> str:
    """A code as its title: `in_review` is In Review."""
    return gettext(code.replace("_", " ").title()) if code else ""
