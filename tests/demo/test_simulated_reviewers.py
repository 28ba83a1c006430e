"""Simulated reviewers: as skilled as stated, and the same on every run."""

import random

from hitl.demo.cases import DemoCase
from hitl.demo.plan import SIMULATED
from hitl.demo.reviewing import opinion

CASE = DemoCase({"external_id": "d-1"}, truth="4", rival="9")


def test_each_is_right_as_often_as_stated() -> None:
    for person in SIMULATED:
        dice = random.Random(person.username)
        right = sum(opinion(CASE, person.skill, dice)[0] == "4" for _ in range(4_000)) / 4_000
        assert abs(right - person.skill) < 0.02


def test_the_same_dice_give_the_same_opinion() -> None:
    assert opinion(CASE, 0.9, random.Random(7)) == opinion(CASE, 0.9, random.Random(7))


def test_whoever_errs_says_the_likeliest_mistake() -> None:
    assert opinion(CASE, 0.0, random.Random(1))[0] == "9"
