"""A real browser against the pages, served from the test database by threads of this process.

Rows are committed and stay: nothing here flushes tables (the evidence refuses it), so each test makes a workspace.
"""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connections
from django.test.testcases import LiveServerThread
from django.test.utils import setup_databases, teardown_databases
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django import DjangoDbBlocker

from tests.factories import PASSWORD, World, make_world

WIDTHS = (1360, 320)
BROWSERS = ("chromium-headless-shell", "chromium")
expect.set_options(timeout=15_000)  # ms; a busy machine is no failure
ARGS = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    for item in items:
        if "tests/e2e" in str(item.path):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def server(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """The address of the product, served with its real middleware and static files."""
    with django_db_blocker.unblock():
        databases = setup_databases(verbosity=0, interactive=False, aliases=["default"])
        thread = LiveServerThread("127.0.0.1", StaticFilesHandler)
        thread.daemon = True
        thread.start()
        thread.is_ready.wait(30)
        if thread.error:
            raise thread.error
        yield f"http://127.0.0.1:{thread.port}"
        thread.terminate()
        with connections["default"].cursor() as cursor:  # the server's threads keep theirs open
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        connections.close_all()
        teardown_databases(databases, verbosity=0)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's headless Chromium."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no chromium-headless-shell on this machine: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, chromium_sandbox=False, args=ARGS)
        yield browser
        browser.close()


_worlds = iter(range(1, 1000))


@pytest.fixture
def town(server: str, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """A workspace of its own for this test, with rows that stay."""
    with django_db_blocker.unblock():
        yield make_world(f"town{next(_worlds)}")


@dataclass
class Tab:
    """A page that remembers everything the console said."""

    page: Page
    server: str
    said: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.server + path)

    def sign_in(self, world: World, name: str) -> None:
        """Through the login page, by keyboard."""
        self.go("/login")
        self.page.fill("[name=login]", world.users[name].get_username())
        self.page.fill("[name=password]", PASSWORD)
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_url(lambda url: "/login" not in url)

    def check(self, state: str, but: str | None = None) -> None:
        """No axe violation, no console message `but` those with this text, nothing wider than the window."""
        self.page.wait_for_load_state()
        wide = self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, f"{state}: wider than the window"
        said = [line for line in self.said if but is None or but not in line]
        assert not said, f"{state}: console said {said}"
        found = Axe().run(self.page).response["violations"]
        self.said.clear()  # axe itself sometimes trips over the content security policy
        assert not found, f"{state}: {[(v['id'], [n['target'] for n in v['nodes']]) for v in found]}"


@pytest.fixture
def tab(chromium: Browser, server: str) -> Iterator[Callable[..., Tab]]:
    """Opens tabs: `tab(theme="dark", width=320)`."""
    contexts = []

    def open_tab(theme: str = "light", width: int = 1360) -> Tab:
        context = chromium.new_context(color_scheme=theme, viewport={"width": width, "height": 820})
        contexts.append(context)
        opened = Tab(context.new_page(), server)
        opened.page.on("console", lambda message: opened.said.append(message.text))
        opened.page.on("pageerror", lambda error: opened.said.append(str(error)))
        return opened

    yield open_tab
    for context in contexts:
        context.close()
