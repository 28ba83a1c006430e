"""What a stored or fresh route says of the chances it was dealt under."""

from routing.engine.route import Action


def automation_chance(action: Action, action_propensity: float) -> float:
    """P(the machine's label takes effect | features, policy), 0-1, whatever the draw then was.

    A person's action that was not certain is exploration: the case would else have been automated.
    """
    return action_propensity if action.automated else 1.0 - action_propensity


def needs_review(action: Action, *, sampled: bool) -> bool:
    """Whether the route brings the case before a person: instead of the machine, beside it or to audit it."""
    return sampled or not action.automated or action is Action.AUTOMATE_AND_REVIEW
