"""Celery pokes; the sweeps find the work in the tables and are safe to run twice or at once."""

from celery import shared_task

from feedback.actions.adjusting import adjust_policies
from feedback.actions.crowds import compare_crowds
from feedback.actions.digests import make_digests
from feedback.actions.disagreement_sweeps import train_all, train_triggered
from feedback.actions.drift import watch_drift
from feedback.actions.error_monitors import watch_errors
from feedback.actions.export_work import work_exports
from feedback.actions.gold_watch import watch_gold
from feedback.actions.hours import roll_up_hours
from feedback.actions.import_work import work_imports
from feedback.actions.labels import rebuild_labels
from feedback.actions.learning_sweeps import sweep_learning
from feedback.actions.metric_hours import roll_up_metrics
from feedback.actions.precedents import sweep_precedents
from feedback.actions.queue_forecasts import forecast_queues
from feedback.actions.recalibration_sweeps import recalibrate_all, recalibrate_triggered
from feedback.actions.replay_work import work_replays
from feedback.actions.retraining_sweeps import watch_retraining
from feedback.actions.reviewer_figures import refresh_reviewer_figures
from feedback.actions.roi_sweeps import compute_all_roi
from feedback.actions.skills import propose_skill_changes
from feedback.actions.spikes import watch_spikes
from feedback.actions.stamp_watch import watch_stamps
from feedback.actions.suite_work import work_suites


@shared_task(name="feedback.recalibrate_triggered")
def recalibrate_triggered_task() -> int:
    """Bring labels up to date, then recalibrate what was asked for or has enough new labels."""
    rebuild_labels()
    return recalibrate_triggered()


@shared_task(name="feedback.recalibrate_nightly")
def recalibrate_nightly_task() -> int:
    """Rebuild every label, then recalibrate every task type that has any."""
    rebuild_labels(everything=True)
    return recalibrate_all()


@shared_task(name="feedback.work_replays")
def work_replays_task() -> int:
    """Work what replays there are for a few seconds."""
    return work_replays()


@shared_task(name="feedback.work_suites")
def work_suites_task() -> int:
    """Run what policy test suites wait, for a while."""
    return work_suites()


@shared_task(name="feedback.work_exports")
def work_exports_task() -> int:
    """Make the exports that wait."""
    return work_exports()


@shared_task(name="feedback.compare_crowds")
def compare_crowds_task() -> int:
    """Estimate labels from people's errors, beside the majority's, where anybody judged since the last time."""
    return compare_crowds()


@shared_task(name="feedback.work_imports")
def work_imports_task() -> int:
    """Check and bring in the history that waits."""
    return work_imports()


@shared_task(name="feedback.sweep_learning")
def sweep_learning_task() -> int:
    """Fill the active-learning queues and order waiting reviews by diversity."""
    return sweep_learning()


@shared_task(name="feedback.sweep_precedents")
def sweep_precedents_task() -> int:
    """Find decided cases like those at the head of the queues."""
    return sweep_precedents()


@shared_task(name="feedback.train_disagreement")
def train_disagreement_task() -> int:
    """Learn anew where people overrule the machine, where enough was judged since the last time."""
    return train_triggered()


@shared_task(name="feedback.train_disagreement_nightly")
def train_disagreement_nightly_task() -> int:
    """The same for every task type with any new judgement."""
    return train_all()


@shared_task(name="feedback.adjust_policies")
def adjust_policies_task() -> int:
    """Count whole hours and forecast waits, then move what policies allow to move by itself: audit rates, limits."""
    roll_up_hours()
    forecast_queues()
    return adjust_policies()


@shared_task(name="feedback.watch_gold")
def watch_gold_task() -> int:
    """Pause whoever is surely below the floor of a queue on gold cases."""
    return watch_gold()


@shared_task(name="feedback.watch_spikes")
def watch_spikes_task() -> int:
    """Hold appeals and reports against their own past."""
    return watch_spikes()


@shared_task(name="feedback.watch_errors")
def watch_errors_task() -> int:
    """Test the error of automated decisions against its budget; where it is refuted, people decide."""
    return watch_errors()


@shared_task(name="feedback.watch_retraining")
def watch_retraining_task() -> int:
    """Bring labels up to date, then suggest training anew where people overruled much or judged much."""
    rebuild_labels()
    return watch_retraining()


@shared_task(name="feedback.roll_up_metrics")
def roll_up_metrics_task() -> int:
    """Count the hours that are over, and anew those of whose cases more is known."""
    return roll_up_metrics()


@shared_task(name="feedback.watch_drift")
def watch_drift_task() -> int:
    """Hold the newest cases against those before; where something moved, alert and recalibrate."""
    return watch_drift()


@shared_task(name="feedback.refresh_reviewer_figures")
def refresh_reviewer_figures_task() -> int:
    """Make reviewers' figures anew, warn of rubber stamps, and propose the changes of level they ask for."""
    refresh_reviewer_figures()
    watch_stamps()
    return propose_skill_changes()


@shared_task(name="feedback.make_digests")
def make_digests_task() -> int:
    """Last week's digests, where they are missing."""
    rebuild_labels()
    return make_digests()


@shared_task(name="feedback.compute_roi")
def compute_roi_task() -> int:
    """What labels and reviews are worth, anew where there are new labels."""
    return compute_all_roi()
