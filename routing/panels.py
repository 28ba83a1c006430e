"""What other apps add to the page of a policy version. They stand to the left of routing, so they register here."""

from typing import Protocol

from hitl.core.actors import Actor
from routing.models import PolicyVersion


class VersionPanel(Protocol):
    """Renders what it has to say of a version to this person; empty: nothing."""

    def __call__(self, actor: Actor, version: PolicyVersion) -> str: ...


_panels: list[VersionPanel] = []


def add_version_panel(panel: VersionPanel) -> None:
    """Show `panel` on every version's page; called once, when the app is ready."""
    if panel not in _panels:
        _panels.append(panel)


def version_panels(actor: Actor, version: PolicyVersion) -> tuple[str, ...]:
    """What there is to show, in the order of registration."""
    return tuple(html for panel in _panels if (html := panel(actor, version)))
