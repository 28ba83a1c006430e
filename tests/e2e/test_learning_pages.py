"""Retraining, digest and ROI with something on them: both themes, wide and 320 px."""

from collections.abc import Callable

import pytest

from feedback.actions.digests import make_digests
from feedback.actions.retraining_sweeps import watch_retraining
from feedback.actions.roi import compute_roi
from tests.e2e.conftest import Tab
from tests.e2e.shots import shot
from tests.factories import World
from tests.feedback.test_digests import a_bad_region, next_monday
from tests.feedback.test_retraining import judged, limits
from tests.feedback.test_roi import history, reviewed


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_of_learning_are_accessible_with_figures(town: World, tab: Callable[..., Tab], theme: str) -> None:
    limits(town)
    a_bad_region(town)
    judged(town, 12, 8)
    watch_retraining()
    make_digests(next_monday())
    history(town, 700)
    reviewed(town)
    compute_roi(task_type=town.task_type)
    person = tab(theme)
    person.sign_in(town, "alice")
    for width in (1360, 320):
        person.page.set_viewport_size({"width": width, "height": 2400})
        for name in ("retraining", "digest", "roi"):
            person.go(f"/ops/{name}")
            person.check(f"{name} at {width}")
            shot(person, f"{name}-{theme}-{width}")
