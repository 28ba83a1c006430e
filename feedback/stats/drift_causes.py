"""From what moved to the likely causes. Plain Python; the web process may import it."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Detector(StrEnum):
    """What is compared between two windows."""

    CONFIDENCE = "confidence"
    LABELS = "labels"
    ROUTING = "routing"
    CALIBRATION = "calibration"
    DIVERGENCE = "divergence"
    BUNCHING = "bunching"


class Cause(StrEnum):
    """Why it may have moved; each has its own response."""

    PROBING = "probing"
    NEW_MODEL = "new_model"
    NEW_POLICY = "new_policy"
    INPUTS_MOVED = "inputs_moved"
    TRAINING_SKEWED = "training_skewed"
    CALIBRATION_STALE = "calibration_stale"
    REVIEWERS_CHANGED = "reviewers_changed"


RECALIBRATES = frozenset({Cause.NEW_MODEL, Cause.INPUTS_MOVED, Cause.TRAINING_SKEWED, Cause.CALIBRATION_STALE})
"""Where fitting anew on recent labels is part of the response."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the tests: versions that are new in the recent window, and whose word the truth is.

    by_outcomes: calibration was measured against outcomes, which reviewers do not make. worse: confidences are right
    less often than they were.
    """

    new_model: bool = False
    new_policy: bool = False
    by_outcomes: bool = False
    worse: bool = False


def likely_causes(moved: Collection[Detector], known: Known = Known()) -> list[Cause]:
    """The causes that explain what moved, the most telling first; none where nothing did.

    Inputs are the confidences and predicted labels. Confidences that are right less often while they move: the model
    meets what it was not trained on; more often: its map is stale as well. While they hold: its map is stale, or, where
    people's labels are the truth, people judge otherwise; without outcomes the two cannot be told apart, so both are
    named. Only people part from the machine: the reviewers changed.
    """
    found = [Cause.PROBING] if Detector.BUNCHING in moved else []
    inputs = Detector.CONFIDENCE in moved or Detector.LABELS in moved
    calibration, divergence = Detector.CALIBRATION in moved, Detector.DIVERGENCE in moved
    if known.new_model and (inputs or calibration):
        return [*found, Cause.NEW_MODEL]
    if inputs and calibration:
        found += [Cause.TRAINING_SKEWED] if known.worse else [Cause.INPUTS_MOVED, Cause.CALIBRATION_STALE]
    elif inputs:
        found.append(Cause.INPUTS_MOVED)
    elif calibration:
        found += [Cause.CALIBRATION_STALE] if known.by_outcomes else [Cause.CALIBRATION_STALE, Cause.REVIEWERS_CHANGED]
    elif divergence:
        found.append(Cause.REVIEWERS_CHANGED)
    if Detector.ROUTING in moved and not inputs:
        found.append(Cause.NEW_POLICY if known.new_policy else Cause.INPUTS_MOVED)
    return found
