"""`manage.py evaluate_thresholds FILE.csv`: what calibration and guaranteed thresholds would do on your own data."""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from feedback.evaluation_file import read_answers, read_table
from feedback.stats.redraws import Evaluation, RuleKept, evaluate_thresholds
from feedback.tabular import Answers, answers


class Command(BaseCommand):
    help = (
        "Try calibration and thresholds on a CSV file, split anew many times: calibrate, certify, then test on the "
        "rest. The file has the columns confidence and correct of a model's answers; or features and a column named by "
        "--label, and then three plain models are trained. Reads the file only; no case and no policy is touched."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--max-error", type=float, default=0.02, help="error budget, above 0 and below 1 (0.02)")
        parser.add_argument("--delta", type=float, default=0.05, help="chance of breaking it that is accepted (0.05)")
        parser.add_argument("--redraws", type=int, default=40, help="how often to split anew (40)")
        parser.add_argument("--seed", type=int, default=0, help="another number, other splits (0)")
        parser.add_argument("--confidence", default="confidence", metavar="COLUMN", help="confidence from 0 to 1")
        parser.add_argument(
            "--correct", default="correct", metavar="COLUMN", help="was the answer right: true or false"
        )
        parser.add_argument("--label", metavar="COLUMN", help="train models to predict this column from the others")
        parser.add_argument("--leave-out", action="append", default=[], metavar="COLUMN", help="no feature; repeatable")
        parser.add_argument("--delimiter", default=",", help="between values (a comma)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            for given in _answers(options):
                self._evaluate(given, options)
        except ValueError as error:
            raise CommandError(str(error)) from None

    def _evaluate(self, given: Answers, options: dict[str, Any]) -> None:
        names = ("max_error", "delta", "redraws", "seed")
        result = evaluate_thresholds(given.confidences, given.correct, **{name: options[name] for name in names})
        self.stdout.write(self.style.MIGRATE_HEADING(given.model))
        if result.evaluation is None:
            self.stdout.write(f"  {result.reason}.")
            return
        for line in evaluation_lines(result.evaluation, options["max_error"], options["delta"]):
            self.stdout.write(f"  {line}")


def evaluation_lines(found: Evaluation, max_error: float, delta: float) -> Iterator[str]:
    """The result in sentences."""
    chosen = ", ".join(f"{method} {times}" for method, times in found.methods.items())
    yield f"{found.n:,} answers, {found.accuracy:.1%} of them right; {found.naive.redraws} redraws."
    yield (
        f"Calibration error {found.ece_before:.4f} before and {found.ece_after:.4f} after, "
        f"log loss {found.log_loss_before:.4f} before and {found.log_loss_after:.4f} after (chosen: {chosen})."
    )
    yield f"Naive threshold: {_kept(found.naive, max_error)}"
    yield f"Guaranteed threshold (at most {delta:.0%} may break): {_kept(found.guaranteed, max_error)}"
    if found.reason and found.guaranteed.attained < found.guaranteed.redraws:
        yield f"In {found.guaranteed.redraws - found.guaranteed.attained} redraws: {found.reason}"


def _kept(rule: RuleKept, max_error: float) -> str:
    if rule.threshold is None or rule.error is None:
        return "none in any redraw, so nothing is automated."
    low, high = rule.broken_interval
    return (
        f"{rule.threshold:.3f} (median; found in {rule.attained} of {rule.redraws} redraws), {rule.automated:.1%} "
        f"automated, {rule.error:.2%} of them wrong; above {max_error:.1%} on the test half in {rule.broken} redraws "
        f"({rule.broken / rule.redraws:.0%}; 95 % interval {low:.0%} to {high:.0%})."
    )


def _answers(options: dict[str, Any]) -> list[Answers]:
    """What the file holds, or what models trained on it say."""
    path, delimiter = options["file"], options["delimiter"]
    if options["label"]:
        return answers(read_table(path, label=options["label"], left_out=options["leave_out"], delimiter=delimiter))
    columns = {name: options[name] for name in ("confidence", "correct")}
    return [read_answers(path, **columns, delimiter=delimiter)]
