"""What every page's frame needs: the navigation this person may use."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from hitl.core.actors import Actor
from hitl.core.permissions import Permission


@dataclass(frozen=True, slots=True)
class NavItem:
    label: str
    url: str
    key: str
    current: bool


@dataclass(frozen=True, slots=True)
class NavGroup:
    """Places under one heading; those under none stand in the bar."""

    label: str
    items: tuple[NavItem, ...]

    @property
    def current(self) -> bool:
        return any(item.current for item in self.items)


_Place = tuple[object, str, str, Permission | None]
_PAGES: tuple[tuple[object, tuple[_Place, ...]], ...] = (
    (
        "",
        (
            (_("Work"), "/work", "w", Permission.REVIEW),
            (_("Queues"), "/queues", "q", None),
            (_("Cases"), "/cases", "c", None),
            (_("Appeals"), "/appeals", "a", None),
            (_("Policies"), "/policies", "p", Permission.READ_POLICIES),
        ),
    ),
    (
        _("Quality"),
        (
            (_("My quality"), "/quality/mine", "", Permission.REVIEW),
            (_("Reviewers"), "/quality", "", Permission.AUDIT_DECISIONS),
            (_("Reviewers' figures"), "/quality/reviewers", "", Permission.AUDIT_DECISIONS),
            (_("Levels of skill"), "/quality/skills", "", Permission.AUDIT_DECISIONS),
            (_("Agreement"), "/quality/agreement", "", Permission.READ_METRICS),
            (_("Consensus"), "/quality/consensus", "", Permission.READ_METRICS),
            (_("Guidelines"), "/guidelines", "", None),
            (_("Errors"), "/ops/owners", "", Permission.READ_METRICS),
            (_("Visibility"), "/ops/visibility", "", Permission.READ_METRICS),
        ),
    ),
    (
        _("Learning"),
        (
            (_("Calibration"), "/ops/calibration", "", Permission.READ_POLICIES),
            (_("Threshold studies"), "/ops/studies", "", Permission.READ_POLICIES),
            (_("Error monitor"), "/ops/monitor", "", Permission.READ_METRICS),
            (_("Drift"), "/ops/drift", "", Permission.READ_METRICS),
            (_("Retraining"), "/ops/retraining", "", Permission.READ_POLICIES),
            (_("Weekly digest"), "/ops/digest", "", Permission.READ_POLICIES),
            (_("What review is worth"), "/ops/roi", "", Permission.READ_METRICS),
            (_("Experiments"), "/ops/experiments", "", Permission.READ_POLICIES),
            (_("Active learning"), "/ops/learning", "", Permission.READ_POLICIES),
            (_("Labels"), "/ops/labels", "", Permission.EXPORT),
            (_("Exports"), "/exports", "", Permission.EXPORT),
            (_("Imports"), "/imports", "", Permission.SUBMIT_CASES),
        ),
    ),
    (
        _("Operations"),
        (
            (_("Overview"), "/ops", "o", Permission.READ_METRICS),
            (_("Alerts"), "/ops/alerts", "", Permission.READ_METRICS),
            (_("Capacity"), "/ops/capacity", "", Permission.READ_METRICS),
            (_("Conflicts"), "/ops/conflicts", "", Permission.AUDIT_DECISIONS),
            (_("Staff"), "/ops/staff", "", Permission.ASSIGN_REVIEWS),
            (_("Tiers"), "/ops/tiers", "", Permission.READ_METRICS),
            (_("Stop"), "/stop", "", Permission.STOP_MACHINE),
        ),
    ),
    (
        _("Administration"),
        (
            (_("People"), "/people", "", Permission.MANAGE_PEOPLE),
            (_("Partners"), "/partners", "", Permission.MANAGE_CLIENTS),
            (_("Audit"), "/audit", "", Permission.READ_AUDIT),
            (_("Admin"), "/admin/", "", Permission.READ_AUDIT),
        ),
    ),
)


def navigation(request: HttpRequest) -> dict[str, object]:
    """Template context `nav` (groups that hold anything for this person) and `actor`."""
    actor: Actor | None = getattr(request, "actor", None)
    if not actor:
        return {"nav": (), "actor": None}
    addresses = (url for _, places in _PAGES for _, url, *_ in places)
    here = max((url for url in addresses if request.path.startswith(url.rstrip("/"))), key=len, default="")
    groups = (
        NavGroup(
            str(heading),
            tuple(
                NavItem(str(label), url, key, url == here)
                for label, url, key, needed in places
                if needed is None or actor.may(needed)
            ),
        )
        for heading, places in _PAGES
    )
    return {"nav": tuple(group for group in groups if group.items), "actor": actor}
