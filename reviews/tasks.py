"""Celery pokes; the sweeps find the work in the tables and are safe to run twice or at once."""

from celery import shared_task

from hitl.delivery.single_flight import single_flight
from reviews.actions.alerts import mail_alerts
from reviews.actions.appeal_sweeps import watch_appeals
from reviews.actions.asking import ask_models
from reviews.actions.backlog import check_backlogs
from reviews.actions.blind_samples import draw_blind_samples
from reviews.actions.expiry import expire_claims
from reviews.actions.gold_copies import seed_gold
from reviews.actions.handovers import wake_snoozed
from reviews.actions.routine import draw_routine_cases
from reviews.actions.sla import expire_slas


@shared_task(name="reviews.expire_claims")
def expire_claims_task() -> int:
    """Return lapsed leases to their queues."""
    return expire_claims()


@shared_task(name="reviews.expire_slas")
def expire_slas_task() -> int:
    """Apply the fallback of reviews past their due time."""
    return expire_slas()


@shared_task(name="reviews.draw_blind_samples")
def draw_blind_samples_task() -> int:
    """Have a share of what higher tiers decided judged once more by the lowest, without effect."""
    return draw_blind_samples() + draw_routine_cases()


@shared_task(name="reviews.seed_gold")
def seed_gold_task() -> int:
    """Put copies of gold cases among the reviews that wait."""
    return seed_gold()


@shared_task(name="reviews.ask_models")
def ask_models_task() -> None:
    """Ask the judges and adapters that cases wait for; late ones go to people."""
    with single_flight("reviews.ask_models") as free:
        if free:
            ask_models()


@shared_task(name="reviews.mail_alerts")
def mail_alerts_task() -> int:
    """E-mail new alerts to supervisors, where that is configured."""
    return mail_alerts()


@shared_task(name="reviews.watch_appeals")
def watch_appeals_task() -> int:
    """Find a person for every open appeal, or tell supervisors that there is none."""
    return watch_appeals()


@shared_task(name="reviews.wake_snoozed")
def wake_snoozed_task() -> int:
    """Put reviews whose snooze is over back into their queues."""
    return wake_snoozed()


@shared_task(name="reviews.check_backlogs")
def check_backlogs_task() -> int:
    """Raise and resolve the alerts of queues over their limits."""
    with single_flight("reviews.check_backlogs") as free:
        return check_backlogs() if free else 0
