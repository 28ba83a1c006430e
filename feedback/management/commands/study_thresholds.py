"""`manage.py study_thresholds TASK_TYPE`: study every threshold on the stored labels, keep the study, tell it."""

from argparse import ArgumentParser
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError

from feedback.actions.studies import StudyQuestion, store_study
from feedback.models import ThresholdStudy
from feedback.stats.objective import Objective
from feedback.structs import StudyIn
from feedback.study_payloads import stored_study_out
from feedback.study_words import cost_words, naive_words, needed_words, verdict
from hitl.core.actors import system_actor
from hitl.core.errors import DomainError
from hitl.core.parsing import convert
from routing.models import TaskType


class Command(BaseCommand):
    help = "From which confidence may the machine decide? Changes no case and no policy."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("task_type", help="slug")
        parser.add_argument("--workspace", help="slug; needed where several workspaces have this task type")
        parser.add_argument("--model-version", help="only cases of this model version")
        parser.add_argument("--label", help="only cases predicted as this label")
        parser.add_argument("--segment", action="append", default=[], metavar="NAME=VALUE", help="only these cases")
        parser.add_argument("--max-error", type=float, help="error budget, a share (the task type's)")
        parser.add_argument("--delta", type=float, default=0.05, help="risk of the guarantee, a share (0.05)")
        parser.add_argument(
            "--objective", choices=[o.value for o in Objective], default=Objective.MOST_AUTOMATION.value
        )
        parser.add_argument("--review-cost", type=float, help="of one review; needed for least_cost")
        parser.add_argument("--error-cost", type=float, default=1.0, help="of an error, in the same unit (1)")
        parser.add_argument("--json", action="store_true", help="print the whole study as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        task_type = _task_type(options["task_type"], options["workspace"])
        actor = system_actor(task_type.workspace_id, "study_thresholds")
        try:
            asked = convert(_wanted(task_type, options), StudyIn)
            question = StudyQuestion(
                model_version=asked.model_version,
                slice=asked.slice,
                max_error=asked.max_error,
                delta=asked.delta,
                objective=asked.objective,
                costs=asked.costs,
            )
            study = store_study(actor=actor, task_type=task_type, question=question)
        except DomainError as error:
            told = [f"{problem.pointer}: {problem.detail}" for problem in error.errors]
            raise CommandError(" ".join(told) or error.detail) from None
        if options["json"]:
            self.stdout.write(msgspec.json.format(msgspec.json.encode(stored_study_out(study))).decode())
        else:
            self._say(study)

    def _say(self, study: ThresholdStudy) -> None:
        for sentence in (verdict(study), naive_words(study), *needed_words(study.result)):
            self.stdout.write(sentence)
        for sentence in cost_words(study.result["cost"]) if study.result["cost"] else ():
            self.stdout.write(sentence)
        for one in (study.result["per_label"] or {"labels": ()})["labels"]:
            found = one["guaranteed_threshold"] if one["attainable"] else f"not attainable. {one['reason']}"
            self.stdout.write(f"  {one['label']}: {found}")
        self.stdout.write(f"{study.n:,} labels. The whole study: /ops/studies/{study.pk}")


def _wanted(task_type: TaskType, options: dict[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = {
        "task_type": task_type.slug,
        "model_version": options["model_version"],
        "slice": {"label": options["label"], "segment": dict(_pair(given) for given in options["segment"])},
        "max_error": task_type.error_budget if options["max_error"] is None else options["max_error"],
        "delta": options["delta"],
        "objective": options["objective"],
    }
    if options["review_cost"] is not None:
        wanted["costs"] = {"review": options["review_cost"], "error": options["error_cost"]}
    return wanted


def _pair(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found:
        raise CommandError(f"--segment takes NAME=VALUE, not {text!r}.")
    return name, value


def _task_type(slug: str, workspace: str | None) -> TaskType:
    rows = TaskType.objects.filter(slug=slug)
    if workspace:
        rows = rows.filter(workspace__slug=workspace)
    found = list(rows[:2])
    if not found:
        raise CommandError(f"There is no task type “{slug}”.")
    if len(found) > 1:
        raise CommandError("Several workspaces have this task type; name one with --workspace.")
    return found[0]
