"""How a person likes their pages."""

from django.db import transaction

from audit.actions.events import Change, Subject, record_event
from hitl.accounts.models import User
from hitl.core.actors import Actor
from hitl.core.errors import Forbidden


@transaction.atomic
def change_preferences(*, actor: Actor, theme: User.Theme, language: str, keys_enabled: bool) -> None:
    """The acting person's theme and language (empty: the browser's), and whether single-key shortcuts work.

    The latter is WCAG 2.1.4. Raises Forbidden.
    """
    if actor.user_id is None:
        raise Forbidden("Only people have preferences.")
    user = User.objects.select_for_update().get(pk=actor.user_id)
    before = {"theme": user.theme, "language": user.language, "keys_enabled": user.keys_enabled}
    after = {"theme": theme.value, "language": language, "keys_enabled": keys_enabled}
    if before == after:
        return
    user.theme, user.language, user.keys_enabled = theme, language, keys_enabled
    user.save(update_fields=["theme", "language", "keys_enabled"])
    record_event(
        actor=actor, action="preferences.changed", subject=Subject("person", user.pk), change=Change(before, after)
    )
