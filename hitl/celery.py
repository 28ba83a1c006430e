"""The Celery application and the whole beat schedule.

Celery is a doorbell: every task below sweeps tables for due work, so a lost or doubled message changes nothing
(docs/adr/0002). Intervals are seconds.
"""

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import celeryd_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hitl.settings.dev")

app = Celery("hitl")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["hitl.delivery", "hitl.accounts", "reviews", "feedback"])


@celeryd_init.connect
def survive_the_absence_of_redis(conf: Any = None, **_: object) -> None:
    """In workers alone: reading the broker's address any earlier would settle Django's settings on import."""
    if conf.broker_url.startswith(("redis", "sentinel")):
        import hitl.redis_credit  # noqa: F401


# A poke that found no worker for `expires` seconds is dropped: the next one finds the same work.
SCHEDULE: dict[str, dict[str, Any]] = {
    "expire-claims": {"task": "reviews.expire_claims", "schedule": 5.0, "options": {"expires": 30}},
    "expire-slas": {"task": "reviews.expire_slas", "schedule": 5.0, "options": {"expires": 30}},
    "wake-snoozed": {"task": "reviews.wake_snoozed", "schedule": 10.0, "options": {"expires": 30}},
    "check-backlogs": {"task": "reviews.check_backlogs", "schedule": 30.0, "options": {"expires": 30}},
    "draw-blind-samples": {"task": "reviews.draw_blind_samples", "schedule": 300.0, "options": {"expires": 300}},
    "seed-gold": {"task": "reviews.seed_gold", "schedule": 30.0, "options": {"expires": 30}},
    "watch-gold": {"task": "feedback.watch_gold", "schedule": 60.0, "options": {"expires": 60}},
    "ask-models": {"task": "reviews.ask_models", "schedule": 2.0, "options": {"expires": 20}},
    "mail-alerts": {"task": "reviews.mail_alerts", "schedule": 30.0, "options": {"expires": 60}},
    "watch-appeals": {"task": "reviews.watch_appeals", "schedule": 60.0, "options": {"expires": 60}},
    "watch-errors": {"task": "feedback.watch_errors", "schedule": 60.0, "options": {"expires": 60}},
    "watch-drift": {"task": "feedback.watch_drift", "schedule": 300.0, "options": {"expires": 300}},
    "watch-spikes": {"task": "feedback.watch_spikes", "schedule": 900.0, "options": {"expires": 900}},
    "relay-outbox": {"task": "delivery.relay_outbox", "schedule": 2.0, "options": {"expires": 20}},
    "send-webhooks": {"task": "delivery.send_due", "schedule": 2.0, "options": {"expires": 20}},
    "recalibrate-triggered": {"task": "feedback.recalibrate_triggered", "schedule": 60.0, "options": {"expires": 60}},
    "work-replays": {"task": "feedback.work_replays", "schedule": 5.0, "options": {"expires": 30}},
    "work-suites": {"task": "feedback.work_suites", "schedule": 5.0, "options": {"expires": 30}},
    "work-imports": {"task": "feedback.work_imports", "schedule": 5.0, "options": {"expires": 30}},
    "work-exports": {"task": "feedback.work_exports", "schedule": 5.0, "options": {"expires": 30}},
    "compare-crowds": {"task": "feedback.compare_crowds", "schedule": 900.0, "options": {"expires": 900}},
    "adjust-policies": {"task": "feedback.adjust_policies", "schedule": 60.0, "options": {"expires": 60}},
    "roll-up-metrics": {"task": "feedback.roll_up_metrics", "schedule": 60.0, "options": {"expires": 60}},
    "recalibrate-nightly": {"task": "feedback.recalibrate_nightly", "schedule": crontab(hour=2, minute=30)},
    "sweep-learning": {"task": "feedback.sweep_learning", "schedule": 60.0, "options": {"expires": 60}},
    "sweep-precedents": {"task": "feedback.sweep_precedents", "schedule": 20.0, "options": {"expires": 60}},
    "train-disagreement": {"task": "feedback.train_disagreement", "schedule": 300.0, "options": {"expires": 300}},
    "train-disagreement-nightly": {
        "task": "feedback.train_disagreement_nightly",
        "schedule": crontab(hour=3, minute=30),
    },
    "watch-retraining": {"task": "feedback.watch_retraining", "schedule": 900.0, "options": {"expires": 900}},
    "refresh-reviewer-figures": {"task": "feedback.refresh_reviewer_figures", "schedule": crontab(minute=47)},
    # Made once a week; tried every hour of Monday and daily after that, in case nobody worked then.
    "make-digests": {"task": "feedback.make_digests", "schedule": crontab(minute=10, hour="4-23", day_of_week="mon")},
    "make-missed-digests": {"task": "feedback.make_digests", "schedule": crontab(minute=10, hour=4)},
    "compute-roi": {"task": "feedback.compute_roi", "schedule": crontab(hour=5, minute=20)},
    "forget-expired": {"task": "accounts.forget_expired", "schedule": crontab(minute=17)},
}

# Beat publishes on one connection all its life. Without a retry it would go on using a dead one for ever after RabbitMQ
# restarted; a single one, at once, makes a new one and keeps an absent broker from delaying the other entries.
for _entry in SCHEDULE.values():
    _entry.setdefault("options", {}).update(retry=True, retry_policy={"max_retries": 1, "interval_start": 0.0})
# Only now, and not read again here: reading would settle Django's settings on import.
app.conf.beat_schedule = SCHEDULE
