"""A supervisor replays a draft in the browser: asks, watches it finish, opens a changed case."""

import threading
from collections.abc import Callable

from django.db import connection
from playwright.sync_api import expect

from feedback.actions.replay_work import work_replays
from tests.e2e.conftest import Tab
from tests.factories import World
from tests.feedback.past import draft, submit_past


def a_worker_comes() -> None:
    """What Celery would do, in a thread with a connection of its own."""

    def work() -> None:
        while work_replays():  # those that other tests left waiting come first
            pass
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()


def test_a_draft_is_replayed_and_the_page_turns_into_figures_by_itself(town: World, tab: Callable[..., Tab]) -> None:
    submit_past(town, 120, wrong=0.1)
    version = draft(town, thresholds={"default": 0.7})
    alice = tab()
    alice.sign_in(town, "alice")
    alice.go(f"/policies/loan/versions/{version.number}")
    alice.page.get_by_role("link", name="Replay on history…").click()
    alice.page.fill("[name=limit]", "100")
    alice.page.get_by_role("button", name="Replay", exact=True).click()
    expect(alice.page.get_by_role("heading", name="Waiting for a worker", exact=True)).to_be_visible()
    alice.check("waiting")

    a_worker_comes()

    expect(alice.page.get_by_role("heading", name="Which decisions change")).to_be_visible()
    expect(alice.page.get_by_text("of 100 cases")).to_be_visible()
    alice.check("figures")
    alice.page.get_by_role("link", name="All changed cases").click()
    alice.page.locator("[data-item]").first.click()
    expect(alice.page.get_by_text("reaches the threshold 0.7").first).to_be_visible()
    alice.check("one case")
    alice.go(f"/policies/loan/versions/{version.number}")
    expect(alice.page.get_by_text("of 100 cases")).to_be_visible()
    expect(alice.page.get_by_role("link", name="The whole replay")).to_be_visible()
