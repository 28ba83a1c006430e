"""Which rule a review follows: its panel's where it has a seat on one, its kind's otherwise."""

from reviews.actions.consequences import RULES, Rule
from reviews.actions.opinions import ASKER, OPINION_RULE, without_opinion
from reviews.actions.panels import PANEL_RULE
from reviews.models import ReviewTask


def rule_of(review: ReviewTask) -> Rule:
    """What follows from a judgement of this review, and how it is taken back."""
    if review.panel_id is not None:
        return PANEL_RULE
    if review.kind == ReviewTask.Kind.OPINION:
        return OPINION_RULE
    return without_opinion(RULES[review.kind]) if review.seat == ASKER else RULES[review.kind]
