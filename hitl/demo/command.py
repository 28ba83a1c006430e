"""What the demo's commands share."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from hitl.core.errors import DomainError
from hitl.demo.loading import is_loaded, load
from hitl.demo.parts import Part


class DemoCommand(BaseCommand):
    """Loads one part of the demo into a running installation."""

    requires_system_checks: list[str] = []

    def part(self, *, url: str, **options: Any) -> Part:
        """Which part; may prepare its data. Raises CommandError."""
        raise NotImplementedError

    def add_arguments(self, parser: CommandParser) -> None:
        port = os.environ.get("PORT") or "8000"
        parser.add_argument("--url", default=f"http://127.0.0.1:{port}", help="where hitl runs (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        url = str(options.pop("url")).rstrip("/")
        part = self.part(url=url, **options)
        if is_loaded(part, settings.HITL_HOME, url):
            self.say(f"The demo is loaded ({part.name}).")
            return
        import httpx  # not before: it is slow to import

        try:
            load(part, settings.HITL_HOME, url, self.say)
        except httpx.TransportError as error:
            raise CommandError(
                f"{url} does not answer: {error}. Is the web server up? Run this again to go on."
            ) from None
        except DomainError as error:
            raise CommandError(error.detail) from None
        self.say(f"The demo is loaded; sign in with what stands in {settings.HITL_HOME / 'demo-credentials.json'}")

    def say(self, line: str) -> None:
        """Print at once: whoever waits reads along."""
        self.stdout.write(line)
        self.stdout.flush()
