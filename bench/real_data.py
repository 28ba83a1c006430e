"""`python -m bench.real_data [--rows N] [--redraws N] [--write-docs]`: calibration and thresholds on real data sets.

Trains three models on each data set that `make test-data` fetched, and tries calibration, the naive and the guaranteed
threshold over redraws of calibrate, certify and test. Exit code 1 when a data set is absent or a guarantee is broken
more often than chance allows.
"""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.datasets import DATA_SETS, DataSet, table
from feedback.stats.bounds import binomial_tail
from feedback.stats.redraws import Evaluation, RuleKept, evaluate_thresholds
from feedback.tabular import answers

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "evidence-real-data.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
BUDGETS = (0.02, 0.10)
DELTA = 0.05
CALIBRATION = ("data", "model", "answers", "right", "ECE before", "after", "log loss before", "after")
THRESHOLDS = (
    "data",
    "model",
    "budget",
    "naive: automated",
    "error",
    "broken",
    "guaranteed: automated",
    "error",
    "broken",
)


def main() -> int:
    arguments = _parse()
    absent = [reason for data in DATA_SETS if (reason := data.absent())]
    found: list[tuple[str, str, float, Evaluation]] = []
    for data in DATA_SETS:
        if not data.absent():
            found += _evaluated(data, arguments.rows, arguments.redraws)
    print("\n".join(absent))
    if not found:
        return 1
    text = report(found, arguments.rows, arguments.redraws)
    print(text)
    if arguments.write_docs:
        head, _, rest = DOCUMENT.read_text().partition(BEGIN)
        DOCUMENT.write_text(f"{head}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")
    return int(bool(absent) or not all(within_chance(one[3].guaranteed) for one in found))


def within_chance(rule: RuleKept, delta: float = DELTA) -> bool:
    """Whether so many broken redraws do not surprise (p above 1 %) where a share of `delta` may break."""
    return rule.broken == 0 or 1.0 - binomial_tail(rule.broken - 1, rule.redraws, delta) > 0.01


def _evaluated(data: DataSet, rows: int, redraws: int) -> Iterator[tuple[str, str, float, Evaluation]]:
    for given in answers(table(data, rows=rows)):
        for budget in BUDGETS:
            result = evaluate_thresholds(
                given.confidences, given.correct, max_error=budget, delta=DELTA, redraws=redraws
            )
            print(f"{data.title}, {given.model}, {budget:.0%}: {result.reason or 'done'}", file=sys.stderr, flush=True)
            if result.evaluation is not None:
                yield data.title, given.model, budget, result.evaluation


def report(found: list[tuple[str, str, float, Evaluation]], rows: int, redraws: int) -> str:
    """Two tables in Markdown."""
    once = [one for one in found if one[2] == BUDGETS[0]]
    calibration = [
        (title, model, f"{at.n:,}", f"{at.accuracy:.1%}", f"{at.ece_before:.4f}", f"{at.ece_after:.4f}",
         f"{at.log_loss_before:.4f}", f"{at.log_loss_after:.4f}")
        for title, model, _, at in once
    ]  # fmt: skip
    kept = [
        (title, model, f"{budget:.0%}", *_rule(at.naive), *_rule(at.guaranteed)) for title, model, budget, at in found
    ]
    note = (
        f"Measured {datetime.now(UTC):%Y-%m-%d}: at most {rows:,} rows of a data set, 30 % of them to train on; "
        f"{redraws} redraws; δ = {DELTA:.0%}. Broken: redraws in which the error on the test half was above the "
        "budget, with the 95 % interval of their share. Automated, error: means over the redraws."
    )
    return "\n\n".join([note, _table(CALIBRATION, calibration), _table(THRESHOLDS, kept)]) + "\n"


def _rule(rule: RuleKept) -> tuple[str, str, str]:
    if rule.error is None:
        return "not attainable", "", f"0 of {rule.redraws}"
    low, high = rule.broken_interval
    found = "" if rule.attained == rule.redraws else f" (attainable in {rule.attained} of {rule.redraws})"
    broken = f"{rule.broken} of {rule.redraws} ({low:.0%}–{high:.0%})"
    return f"{rule.automated:.1%}{found}", f"{rule.error:.2%}", broken


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.real_data", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=40_000, help="at most so many of each data set (40000)")
    parser.add_argument("--redraws", type=int, default=40)
    parser.add_argument("--write-docs", action="store_true", help="put the results into docs/evidence-real-data.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
