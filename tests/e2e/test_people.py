"""The pages about people in a real browser with figures on them: both themes, narrow, axe-clean."""

from collections.abc import Callable

import pytest

from feedback.actions.skills import propose_skill_changes, set_skill_rules
from tests.e2e.conftest import Tab
from tests.e2e.shots import shot
from tests.factories import World
from tests.feedback.test_agreement_page import judged_by_two
from tests.feedback.test_consensus_page import drifted
from tests.feedback.test_reviewer_figures import a_quarter, reviewer
from tests.feedback.test_skills import QUICK


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_agreement_reads_well_in_both_themes(town: World, tab: Callable[..., Tab], theme: str) -> None:
    judged_by_two(town, 40, differ=9)
    alice = tab(theme)
    alice.sign_in(town, "alice")
    for width in (1360, 320):
        alice.page.set_viewport_size({"width": width, "height": 1400})
        alice.go("/quality/agreement")
        alice.check(f"agreement at {width}")
        shot(alice, f"agreement-{theme}-{width}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figures_levels_and_consensus_read_well_in_both_themes(
    town: World, tab: Callable[..., Tab], theme: str
) -> None:
    drifted(town)
    a_quarter(town)
    set_skill_rules(actor=town.actor("alice"), queue=None, rules=QUICK)
    propose_skill_changes()
    pages = {
        "alice": {
            "reviewers": "/quality/reviewers",
            "reviewer": f"/quality/reviewers/{reviewer(town, 'bob').pk}",
            "skills": "/quality/skills",
            "consensus": "/quality/consensus",
        },
        "bob": {"my-quality": "/quality/mine"},
    }
    for who, paths in pages.items():
        person = tab(theme)
        person.sign_in(town, who)
        for width in (1360, 320):
            person.page.set_viewport_size({"width": width, "height": 1800})
            for name, path in paths.items():
                person.go(path)
                person.page.evaluate("document.querySelectorAll('main details').forEach((d) => { d.open = true; })")
                person.check(f"{name} at {width}")
                shot(person, f"{name}-{theme}-{width}")
