"""A supervisor exports a training set in the browser, reads its manifest, makes it again, and looks at a label."""

import threading
from collections.abc import Callable

from django.db import connection
from playwright.sync_api import expect

from feedback.actions.export_work import work_exports
from feedback.actions.labels import rebuild_labels
from feedback.models import Export
from reviews.models import Case
from tests.e2e.conftest import Tab
from tests.e2e.shots import shot
from tests.factories import World
from tests.feedback.history import add_cases, judge


def a_worker_comes() -> None:
    """What Celery would do, in a thread with a connection of its own."""

    def work() -> None:
        work_exports()
        connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()


def test_a_training_set_is_made_downloaded_and_made_again(town: World, tab: Callable[..., Tab]) -> None:
    for case in add_cases(town, [0.8, 0.95]):
        judge(town, case, "bob", "reject", first="reject")
    Case.objects.update(status="decided")
    rebuild_labels()
    alice = tab()
    alice.sign_in(town, "alice")
    alice.go("/exports")
    alice.page.get_by_role("button", name="Make the file").click()
    expect(alice.page.get_by_text("Waiting for a worker")).to_be_visible()
    a_worker_comes()
    alice.page.get_by_role("link", name="Look again").click()
    with alice.page.expect_download() as download:
        alice.page.get_by_role("link", name="Download").click()
    assert len(download.value.path().read_bytes().splitlines()) == 2
    for width in (1360, 320):
        alice.page.set_viewport_size({"width": width, "height": 820})
        alice.check(f"manifest at {width}")
        shot(alice, f"export-{width}")
    alice.page.set_viewport_size({"width": 1360, "height": 820})
    alice.page.get_by_role("button", name="Make it again and compare").click()
    a_worker_comes()
    alice.page.get_by_role("link", name="Look again").click()
    expect(alice.page.get_by_text("Byte for byte the same file.")).to_be_visible()
    assert Export.objects.filter(identical=True).count() == 1
    for path, name in ((f"/cases/{case.pk}/label", "label"), ("/exports", "exports"), ("/imports", "imports")):
        for width in (1360, 320):
            alice.page.set_viewport_size({"width": width, "height": 820})
            alice.go(path)
            alice.check(f"{path} at {width}")
            shot(alice, f"{name}-{width}")
