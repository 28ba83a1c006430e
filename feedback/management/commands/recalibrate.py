"""`manage.py recalibrate TASK_TYPE`: bring labels up to date, fit, certify, propose."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from feedback.actions.labels import rebuild_labels
from routing.models import TaskType


class Command(BaseCommand):
    help = "Fit and certify a task type's confidences now, and propose a policy version when something changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("task_type", help="slug")
        parser.add_argument("--workspace", help="slug; needed where several workspaces have this task type")

    def handle(self, *args: Any, **options: Any) -> None:
        from feedback.actions.recalibration import recalibrate

        task_type = self._task_type(options["task_type"], options["workspace"])
        rebuild_labels()
        run = recalibrate(task_type=task_type, trigger="by_hand")
        if run is None:
            raise CommandError("Another process is recalibrating this task type.")
        self.stdout.write(f"{run.get_result_display()} ({run.labels_seen} labelled predictions).\n{run.detail}")

    def _task_type(self, slug: str, workspace: str | None) -> TaskType:
        rows = TaskType.objects.filter(slug=slug)
        if workspace:
            rows = rows.filter(workspace__slug=workspace)
        found = list(rows[:2])
        if not found:
            raise CommandError(f"There is no task type “{slug}”.")
        if len(found) > 1:
            raise CommandError("Several workspaces have this task type; name one with --workspace.")
        return found[0]
