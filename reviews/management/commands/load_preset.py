"""Load a preset into a task type's policy (docs/policies.md)."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hitl.accounts.models import Workspace
from hitl.core.actors import system_actor
from hitl.core.errors import DomainError
from reviews.config.presets import apply_preset
from routing.actions.workspaces import OPERATOR
from routing.presets import ORDER, preset_named, presets


class Command(BaseCommand):
    help = "Make a draft of a task type's policy from a preset, with its tiers and queues; again, it changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help=f"One of {', '.join(ORDER)}; without one, all are described.")
        parser.add_argument("--task-type", help="Slug of the task type.")
        parser.add_argument("--workspace", help="Slug; needed where there are several.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Apply in one transaction, print what changed."""
        if not options["name"]:
            for preset in presets().values():
                self.stdout.write(f"{preset.name}: {preset.description}")
            return
        if not options["task_type"]:
            raise CommandError("Name the task type: --task-type SLUG.")
        actor = system_actor(_workspace(options["workspace"]).pk, OPERATOR)
        try:
            preset = preset_named(options["name"])
            changes = apply_preset(actor=actor, preset=preset, task_type=options["task_type"])
        except DomainError as error:
            raise CommandError("\n".join(p.detail for p in error.errors) or error.detail) from None
        for change in changes or ["Nothing to change."]:
            self.stdout.write(change)


def _workspace(slug: str | None) -> Workspace:
    found = list(Workspace.objects.filter(slug=slug) if slug else Workspace.objects.order_by("slug")[:2])
    if len(found) != 1:
        raise CommandError("Name the workspace: --workspace SLUG." if not slug else f"There is no workspace {slug!r}.")
    return found[0]
