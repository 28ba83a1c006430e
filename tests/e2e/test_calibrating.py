"""The calibration page with something on it: a model that is honest in one region and far too sure in the other."""

from collections.abc import Callable

import pytest

from feedback.actions.labels import rebuild_labels
from feedback.actions.recalibration import recalibrate
from tests.e2e.conftest import Tab
from tests.e2e.shots import shot
from tests.factories import World
from tests.feedback.history import observe_regions


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_calibration_page_is_accessible_with_diagrams_and_slices(
    town: World, tab: Callable[..., Tab], theme: str
) -> None:
    observe_regions(town, 2_400)
    rebuild_labels()
    recalibrate(task_type=town.task_type, trigger="nightly")
    for width in (1360, 320):
        alice = tab(theme, width)
        alice.sign_in(town, "alice")
        alice.go("/ops/calibration")
        assert alice.page.get_by_text("Slices looked at").count() == 1
        alice.check(f"/ops/calibration at {width}")
        shot(alice, f"calibration-{theme}-{width}")
        if width > 1000:
            alice.page.get_by_text("Slices looked at").scroll_into_view_if_needed()
            shot(alice, f"calibration-slices-{theme}")
