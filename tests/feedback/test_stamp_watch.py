"""An alert where somebody seems to rubber-stamp: about the queue, naming nobody, gone when the sign is."""

import random

import msgspec

from feedback.actions.stamp_watch import watch_stamps
from feedback.models import ReviewerFigures
from feedback.stats.reviewing import figures_of
from hitl.core.clock import now
from reviews.models import Alert
from tests.factories import World
from tests.feedback.stats.test_reviewing import work


def store(world: World, *, stamp: bool) -> None:
    """Bob beside Carol and Dave, who look at what they judge."""
    rng = random.Random(3)
    rows = [row for name in ("carol", "dave") for row in work(name, rng, 200, agrees=0.9, follows=0.3, seconds=30.0)]
    bob = (
        {"agrees": 0.999, "follows": 0.95, "seconds": 12.0}
        if stamp
        else {"agrees": 0.9, "follows": 0.3, "seconds": 30.0}
    )
    for name, figures in figures_of(rows + work("bob", rng, 200, **bob)).items():
        ReviewerFigures.objects.update_or_create(
            workspace=world.workspace,
            queue=world.queue,
            user=world.users[name],
            defaults={
                "since": now(), "computed_at": now(), "judged": figures.judged, "figures": msgspec.to_builtins(figures),
            },
        )  # fmt: skip


def test_a_signal_raises_one_alert_that_names_nobody_and_resolves_itself(world: World) -> None:
    store(world, stamp=True)
    assert watch_stamps() == watch_stamps() == 1
    alert = Alert.objects.get(kind="rubber_stamp")
    said = world.browser("alice").get("/ops/alerts").content.decode()
    assert "1 of its reviewers agree" in said and "bob" not in alert.headline + str(alert.values)
    listed = world.browser("alice").get("/quality/reviewers").content.decode()
    assert listed.count('<span class="pill warn">signal</span>') == 1
    store(world, stamp=False)
    assert watch_stamps() == 0
    alert.refresh_from_db()
    assert alert.resolved_at is not None
