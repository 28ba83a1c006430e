"""One reviewer, from the login to the fiftieth decision, by keyboard alone and without a word on the console.

HITL_FIGURES names a file for what was measured; nothing about time is asserted, because machines differ.
"""

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from guardian.shortcuts import assign_perm
from playwright.sync_api import Error, Page, Request, expect

from hitl.core.clock import now
from reviews.models import Judgement, Queue
from routing.models import Policy, PolicyVersion, TaskType
from tests.e2e.conftest import Tab
from tests.factories import PASSWORD, World, policy_document

MANY = 50
AHEAD = "POST /claims/…/next"
# Resolves with the milliseconds from pressing Enter until another case has been painted.
WATCH = """() => {
  const before = document.querySelector('h1').textContent;
  let pressed = 0;
  addEventListener('keydown', ({ key }) => { if (key === 'Enter') pressed ||= performance.now(); }, { capture: true });
  window.nextCase = new Promise((seen) => {
    const look = () => {
      if (pressed && document.querySelector('h1')?.textContent !== before) seen(performance.now() - pressed);
      else requestAnimationFrame(look);
    };
    look();
  });
}"""


def tickets(town: World) -> TaskType:
    """A second kind of case in an open queue, so that the work is mixed."""
    kind = TaskType.objects.create(
        workspace=town.workspace,
        slug="ticket",
        title="Ticket",
        labels=[{"value": v, "title": v.title()} for v in ("refund", "replace", "decline", "ask")],
        static_risk="medium",
        safest_label="ask",
        presentation=[
            {"pointer": "/message", "kind": "text", "title": "Message"},
            {"pointer": "/history", "kind": "timeline", "title": "History"},
        ],
    )
    queue = Queue.objects.create(
        workspace=town.workspace,
        slug="tickets",
        title="Tickets",
        task_type=kind,
        tier=town.tiers["tier-1"],
        judge_first=False,
    )
    for permission in ("claim_queue", "view_queue"):
        assign_perm(permission, town.users["bob"], queue)
    town.users["bob"].reviewer_profiles.get().queues.add(queue)
    policy = Policy.objects.create(workspace=town.workspace, task_type=kind, slug="ticket", title="Ticket")
    PolicyVersion.objects.create(
        workspace=town.workspace,
        policy=policy,
        number=1,
        status="active",
        document=policy_document(calibrations=[]),
        created_at=now(),
        activated_at=now(),
    )
    return kind


def body(town: World, number: int) -> dict[str, Any]:
    """Loans with and without a prediction, tickets with text and a timeline."""
    loan = town.case_body(external_id=f"loan-{number}", input={"income": 30_000 + number, "purpose": "car"})
    match number % 4:
        case 0 | 2:
            return loan
        case 1:
            return {k: v for k, v in loan.items() if k != "prediction"}
    history = [{"at": "2026-11-01T10:00:00Z", "what": "ordered"}, {"at": "2026-11-05T09:00:00Z", "what": "complained"}]
    return {
        "task_type": "ticket",
        "external_id": f"ticket-{number}",
        "input": {"message": f"My parcel {number} came broken. " * 6, "history": history},
        "prediction": {"label": "refund", "confidence": 0.6, "model_version": "desk-1"},
    }


def sign_in_by_keyboard(bob: Tab, town: World) -> None:
    bob.go("/login")
    for name, text in (("login", town.users["bob"].username), ("password", PASSWORD)):
        for _ in range(10):
            if bob.page.evaluate("document.activeElement.name") == name:
                break
            bob.page.keyboard.press("Tab")
        bob.page.keyboard.type(text)
    bob.page.keyboard.press("Enter")
    bob.page.wait_for_url("**/work")


def test_fifty_mixed_cases_by_keyboard_alone(town: World, tab: Callable[..., Tab]) -> None:
    tickets(town)
    for number in range(MANY + 4):
        town.submit(body(town, number))
    bob = tab()
    page = bob.page
    served: dict[str, list[float]] = {}
    page.on("requestfinished", lambda request: note(served, request))
    sign_in_by_keyboard(bob, town)
    page.keyboard.press("c")
    seconds: list[float] = []
    while len(seconds) < MANY:
        expect(page.locator("#decision[data-stage]")).to_be_visible()
        if page.locator("#decision").get_attribute("data-stage") == "first":
            page.keyboard.press(str(1 + len(seconds) % 2))
            page.keyboard.press("Enter")
            expect(page.locator("#first-recorded")).to_be_visible()
        prepared(page, served, len(seconds) + 1)
        seconds.append(record(page))
    assert bob.said == []
    done = Judgement.objects.filter(user=town.users["bob"], stage="final", undone_at__isnull=True)
    assert done.count() == MANY
    report(served, seconds)


def prepared(page: Page, served: dict[str, list[float]], many: int) -> None:
    """Wait until the case after this one has come, as it has for everybody who reads before choosing."""
    for _ in range(100):
        if len(served.get(AHEAD, [])) >= many:
            return
        page.wait_for_timeout(20)


def record(page: Page) -> float:
    """Choose and record; the milliseconds until the next case is painted."""
    page.keyboard.press("1")
    page.evaluate(WATCH)
    began = time.monotonic()
    before = page.url
    page.keyboard.press("Enter")
    try:
        return float(page.evaluate("window.nextCase"))
    except Error:  # loaded from its own address instead: the slower way is measured too
        page.wait_for_url(lambda url: url != before)
        return (time.monotonic() - began) * 1000


def note(served: dict[str, list[float]], request: Request) -> None:
    """The server's time for a page, by what kind of page it is."""
    timing = request.timing
    if "/static/" in request.url or timing["responseStart"] < 0:
        return
    parts = [part if not part[:1].isdigit() else "…" for part in request.url.split("/")[3:]]
    key = f"{request.method} /{'/'.join(parts)}".split("?")[0]
    served.setdefault(key, []).append(timing["responseStart"] - timing["requestStart"])


def report(served: dict[str, list[float]], seconds: list[float]) -> None:
    figures = {
        "next case after Enter, ms": {
            "median": round(statistics.median(seconds)),
            "p90": round(sorted(seconds)[int(len(seconds) * 0.9)]),
            "most": round(max(seconds)),
        },
        "server, median ms": {key: [round(statistics.median(v)), len(v)] for key, v in sorted(served.items())},
    }
    if place := os.environ.get("HITL_FIGURES"):
        Path(place).write_text(json.dumps(figures, indent=1))
