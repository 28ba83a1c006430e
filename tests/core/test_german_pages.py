"""Pages in German: what both languages show alike is data; what machines read keeps its decimal point."""

import re
from html.parser import HTMLParser

import pytest
from django.test import Client as Browser

from hitl.core.errors import Conflict
from reviews.duty import zones
from reviews.models import Claim
from tests.e2e.test_pages import replay_pages, suite_pages, try_beside
from tests.factories import World
from tests.routing.test_adjustments import moved

BOB = (
    *("/work", "/queues", "/queues/loans", "/cases", "/settings", "/quality/mine", "/guidelines", "/hours"),
    *("/wellness", "/appeals"),
)
ALICE = (
    *("/work", "/queues", "/cases", "/policies", "/policies/loan", "/policies/loan/presets", "/stop"),
    *("/policies/loan/rules", "/policies/loan/rules/hits", "/policies/loan/versions", "/policies/loan/advisor"),
    *("/ops/tiers", "/policies/loan/versions/2", "/policies/loan/versions/2/comparison", "/policies/loan/difference"),
    *("/policies/loan/history?at=2100-01-01T00:00", "/models", "/people", "/partners", "/settings"),
    *("/ops/calibration", "/ops/learning", "/ops/disagreement", "/ops/cascade", "/settings/models", "/nowhere"),
    *("/ops/alerts", "/ops/capacity", "/ops/conflicts", "/ops/staff", "/ops/owners", "/ops/visibility", "/quality"),
    *("/guidelines", "/appeals", "/admin/", "/admin/reviews/queue/"),
    *("/ops", "/ops/studies", "/ops/studies/new", "/ops/monitor", "/ops/drift", "/ops/retraining", "/ops/digest"),
    *("/ops/roi", "/ops/experiments", "/ops/labels", "/exports", "/imports"),
    *("/quality/agreement", "/quality/consensus", "/quality/reviewers", "/quality/skills"),
)
# Words that are the same in German, and what people, partners and programs named.
ALIKE = {
    *(
        "Admin",
        "Client",
        "Clients",
        "Deutsch",
        "English",
        "Experten",
        "Label",
        "Labels",
        "Name",
        "Operator",
        "Partner",
        "Export",
        "Format",
        "Import",
        "JSON Lines",
        "Parquet",
    ),
    *(
        "Drift",
        "Person",
        "Segment",
        "Status",
        "System",
        "Text",
        "Details",
        "Webhook",
        "Webhooks",
        "hitl",
        "True",
        "Search",
    ),
    *("Loan", "loan", "loans", "loans-expert", "tier-1", "expert", "automated", "bank", "Acme", "credit-1", "identity"),
    *("alice", "bob", "carol", "dave", "erin", "Approve", "Reject", "approve", "reject", "probability", "automate"),
    *(
        "review",
        "canary",
        "shadow",
        "label",
        "operator",
        "region: EU",
        "region: US",
        "credit-1, probability: version 1",
    ),
    *("thresholds › default", "looks good in shadow", "replayed", "Expected wait", "Zone", "Region", "Risiko"),
}
NAMED = re.compile(
    r"^[a-z_]+[.:][a-z_.:, ]+$|@example\.org$|^Loan [0-9a-f]{6}|[0-9a-f]{4}…|…[0-9a-f]{4}$|[0-9a-f]{8}-[0-9a-f]{4}-"
    r"|^hitl_|^hitl, |^\w+/[\w/+-]+$|^\d+ min|^Expected wait: |· hitl$|^[A-Z]\w+$(?<=Zulu|Cuba|Iran)"
)
COORDINATES = {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "width", "height", "d", "points", "viewBox", "value"}
DATA = ("script", "style", "pre", "code", "kbd", "textarea")
COORDINATES |= {"min", "max", "step", "fill-opacity"}


class Shown(HTMLParser):
    """What people read or hear (`texts`), and numbers that programs read (`numbers`)."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self.numbers: list[tuple[str, str]] = []
        self.within = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.within += tag in DATA
        for name, value in attrs:
            if name in ("aria-label", "placeholder", "title", "data-label", "alt") or name.startswith("data-text"):
                self.texts.add(_plain(value or ""))
            elif name in COORDINATES and not (name == "value" and tag in ("option", "button")):
                self.numbers.append((f"{tag} {name}", value or ""))

    def handle_endtag(self, tag: str) -> None:
        self.within -= tag in DATA

    def handle_data(self, data: str) -> None:
        if not self.within:
            self.texts.add(_plain(data))


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip(" ·:,“”()›…")


def shown(browser: Browser, path: str, language: str) -> Shown:
    page = browser.get(path, headers={"accept-language": language})
    assert page.headers["Content-Language"] == language, path
    assert f'<html lang="{language}"' in page.content.decode()
    parser = Shown()
    parser.feed(page.content.decode())
    return parser


def english_left(browser: Browser, path: str) -> set[str]:
    """Texts of the German page that its English sister shows too and that no name explains."""
    both = shown(browser, path, "en").texts & shown(browser, path, "de").texts
    return {text for text in both if re.search(r"[a-z]{3}", text) and text not in ALIKE and not NAMED.search(text)}


@pytest.fixture
def lively(world: World) -> World:
    """Versions in trial, a case waiting and one in hand, thresholds moved: most pages have something to say."""
    try_beside(world)
    world.submit()
    world.submit(world.sure_case_body())
    moved(world, 0.88, 0.84, 0.86)
    world.browser("bob").post("/work/claim")
    return world


@pytest.mark.parametrize(("name", "paths"), [("bob", BOB), ("alice", ALICE)])
def test_pages_show_no_english(lively: World, name: str, paths: tuple[str, ...]) -> None:
    browser = lively.browser(name)
    left = {path: found for path in paths if (found := english_left(browser, path) - {*zones()})}
    assert not left


def test_a_case_shows_no_english(lively: World) -> None:
    held = Claim.objects.select_related("review").get(status="open")
    path = f"/cases/{held.review.case_id}"
    assert english_left(lively.browser("bob"), path) <= {"Income", "Purpose", "car"}


def test_test_suites_show_no_english(lively: World) -> None:
    names = {"steady income", "no income", "Income", "What is seen most.", "first", "car", "expert"}
    for path in suite_pages(lively):
        assert english_left(lively.browser("alice"), path) <= names, path


def test_numbers_that_machines_read_keep_their_point(lively: World) -> None:
    alice = lively.browser("alice")
    for path in (*ALICE, *replay_pages(lively)):
        for place, value in shown(alice, path, "de").numbers:
            if place.endswith("points"):
                assert all(re.fullmatch(r"-?[\d.]+,-?[\d.]+", point) for point in value.split()), f"{path}: {value}"
            else:
                assert not re.search(r"\d,\d", value), f"{path}: {place}={value}"


def test_refusals_are_said_in_german_on_pages_and_in_english_over_rest(world: World) -> None:
    bob = world.browser("bob")
    page = bob.get("/nowhere", headers={"accept-language": "de"}).content.decode()
    assert "Diese Seite gibt es nicht, oder Sie dürfen sie nicht sehen." in page
    assert b"Not found" in bob.get("/api/v1/cases/none", headers={"accept-language": "de"}).content
    assert Conflict("You have judged this case.").said == "You have judged this case."
