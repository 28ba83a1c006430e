"""One reviewer's figures: truth before agreement, and a rubber stamp only where all three signs are there."""

import random

import pytest

from feedback.stats.reviewing import Done, Stamp, fatigue_of, figures_of, quality_of


def test_who_dissents_and_is_right_by_outcomes_has_the_better_quality() -> None:
    """Five people agree and are wrong on every third case; one differs there, and the world proves her right."""
    rows = []
    for number in range(60):
        truth = "fraud" if number % 3 == 0 else "fine"
        for person in ("p1", "p2", "p3", "p4", "p5"):
            rows.append(Done(person, "claims", "fine", 20.0, truth=truth, source="outcome"))
        rows.append(Done("dissenter", "claims", truth, 20.0, truth=truth, source="outcome"))
        # Where no outcome is known, all that can be said against her is that the others think otherwise.
        rows.append(Done("dissenter", "claims", "fraud", 20.0, truth="fine", source="consensus"))
        rows.append(Done("p1", "claims", "fine", 20.0, truth="fine", source="consensus"))
    found = figures_of(rows)
    hers, theirs = found["dissenter"].quality, found["p1"].quality
    assert hers.basis == theirs.basis == "outcomes_and_gold"
    assert (hers.right.share, theirs.right.share) == (1.0, pytest.approx(2 / 3))
    assert hers.right.low > theirs.right.high, "surely better, not by chance"
    assert found["dissenter"].by_source["consensus"].share == 0.0, "said beside it, never counted"


def test_agreement_alone_never_makes_a_quality() -> None:
    rows = [Done("a", "t", "x", 5.0, truth="x", source="consensus") for _ in range(50)]
    assert quality_of(rows).basis == "none"
    ruled = [Done("a", "t", "x", 5.0, truth="x", source="ruling") for _ in range(9)]
    assert quality_of(rows + ruled).basis == "none"
    assert quality_of([*rows, *ruled, Done("a", "t", "y", 5.0, truth="x", source="gold")]).basis == "rulings"


def work(person: str, rng: random.Random, n: int, *, agrees: float, follows: float, seconds: float) -> list[Done]:
    """`agrees`: with a machine that is right; `follows`: one that is wrong (every tenth case)."""
    rows = []
    for number in range(n):
        wrong = number % 10 == 0
        truth, machine = "x", "y" if wrong else "x"
        label = machine if rng.random() < (follows if wrong else agrees) else ("x" if wrong else "y")
        time = rng.lognormvariate(0.0, 0.4) * seconds
        rows.append(Done(person, "t", label, time, machine=machine, shown=True, truth=truth, source="outcome"))
    return rows


def stamp_of(**odd: float) -> Stamp:
    rng = random.Random(7)
    rows = [row for name in "abcde" for row in work(name, rng, 200, agrees=0.9, follows=0.3, seconds=30.0)]
    return figures_of(rows + work("odd", rng, 200, **odd))["odd"].stamp


def test_a_stamp_agrees_more_is_faster_and_follows_a_wrong_machine() -> None:
    found = stamp_of(agrees=0.999, follows=0.95, seconds=12.0)
    assert found.status == "signal" and found.p < 0.05
    assert (found.agrees.n, found.followed_wrong.n) == (200, 20)


@pytest.mark.parametrize(
    "odd",
    [
        {"agrees": 0.999, "follows": 0.2, "seconds": 12.0},  # fast and agreeing, but sees through a wrong machine
        {"agrees": 0.999, "follows": 0.95, "seconds": 30.0},  # agrees, also wrongly, but takes the time
        {"agrees": 0.9, "follows": 0.3, "seconds": 12.0},  # only fast
        {"agrees": 0.7, "follows": 0.95, "seconds": 12.0},  # wrong, fast, but no yes-man
    ],
)
def test_one_or_two_signs_are_no_signal(odd: dict[str, float]) -> None:
    assert stamp_of(**odd).status == "none"


def test_nothing_is_said_of_stamps_before_wrong_answers_were_met() -> None:
    rows = [Done(p, "t", "x", 5.0, machine="x", shown=True, truth="x", source="gold") for p in "ab" for _ in range(50)]
    assert figures_of(rows)["a"].stamp.status == "not_enough_data"


def test_false_alarms_stay_below_the_level() -> None:
    alarms = 0
    for seed in range(40):
        rng = random.Random(seed)
        rows = [row for name in "abcd" for row in work(name, rng, 100, agrees=0.9, follows=0.4, seconds=20.0)]
        alarms += any(f.stamp.status == "signal" for f in figures_of(rows).values())
    assert alarms <= 2


def test_fatigue_shows_where_errors_rise_and_times_fall_with_the_hours() -> None:
    rng = random.Random(3)
    tired, steady = [], []
    for shift in range(40):
        for hour in range(8):
            for rows, tiring in ((tired, 1.0), (steady, 0.0)):
                wrong = rng.random() < 0.05 + 0.04 * hour * tiring
                seconds = 30.0 * rng.lognormvariate(0.0, 0.3) * (1.0 - 0.06 * hour * tiring)
                label = "y" if wrong else "x"
                rows.append(Done("a", "t", label, seconds, shift, hour + 0.5, None, "x", True, "x", "outcome"))
    found, even = fatigue_of(tired), fatigue_of(steady)
    assert found.errors_p is not None and found.errors_p < 0.001
    assert found.slower_high is not None and found.slower_high < 0.0, "faster with each hour"
    assert [row.n for row in found.hours] == [40] * 8
    assert even.errors_p is not None and even.errors_p > 0.05
    assert even.speed_p is not None and even.speed_p > 0.05


def test_a_quarter_of_an_hour_says_nothing_about_a_shift() -> None:
    found = fatigue_of([Done("a", "t", "x", 1.0 + 9.0 * (n % 2), 1, n / 200.0) for n in range(50)])
    assert (found.speed_p, found.slower_by) == (None, None)
    assert [row.n for row in found.hours] == [50]


def test_confusion_names_what_was_said_for_what_and_people_do_not_judge_themselves() -> None:
    rows = [Done("a", "t", "x", 5.0, truth="y", source="outcome") for _ in range(3)]
    rows += [
        Done("a", "t", "x", 5.0, truth="x", source="ruling"),
        Done("a", "t", "x", 5.0, truth="z", source="consensus"),
    ]
    found = figures_of(rows)["a"]
    assert [(c.truth, c.said, c.n) for c in found.confusion] == [("y", "x", 3), ("x", "x", 1)]
    assert found.leniency == () and found.speed.others is None, "alone in the queue"
    assert found.fatigue.errors_p is None and found.stamp.status == "not_enough_data"
