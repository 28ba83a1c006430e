"""Random walks over what people can do with a case under a scheme: claim, give back, judge, undo; nothing breaks."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hitl.core.errors import DomainError
from reviews.access import Held
from reviews.actions.claims import claim_next_review, release_claim
from reviews.actions.expiry import expire_claims
from reviews.actions.judgements import Said, record_first_judgement, record_judgement, undo_judgement
from reviews.actions.panels import settle_panel
from reviews.models import Case, Judgement, Panel
from tests.api.support import lapse
from tests.api.test_schemes import PANEL, add_reviewer, check_invariants
from tests.factories import World

SCHEMES: list[dict[str, Any]] = [
    {"kind": "blind_double", "adjudication_queue": "loans-expert"},
    {"kind": "blind_double", "on_conflict": "return"},
    {"kind": "dynamic_third"},
    {"kind": "dynamic_third", "on_conflict": "tie_break", "tie_break": "reject"},
    PANEL,
    PANEL | {"order": "sequence", "agreement": "majority"},
    PANEL | {"agreement": "role_deference", "defer_to": "sales", "on_conflict": "adjudicate"},
]
PEOPLE = ("bob", "carol", "dave", "cleo", "dora")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["claim", "judge", "judge", "judge", "release", "lapse", "undo"]), st.sampled_from(PEOPLE)
    ),
    min_size=8,
    max_size=40,
)


class Walk:
    """One case and what each person holds of it."""

    def __init__(self, world: World, scheme: dict[str, Any]) -> None:
        world.queue.scheme = scheme
        world.queue.save()
        self.world, self.case_id = world, world.submit()["id"]
        self.held: dict[str, Held] = {}

    def step(self, what: str, name: str, label: str) -> None:
        actor, held = self.world.actor(name), self.held.get(name)
        if what == "claim" and held is None:
            # The only expert keeps to the seats that only an expert can take.
            found = claim_next_review(actor=actor, queue="loans-expert" if name == "dave" else None)
            if found:
                self.held[name] = found
        elif what == "undo" and held is None:
            self._undo(name)
        elif held is not None:
            del self.held[name]
            token = held.claim.token or ""
            if what == "judge":
                if not self._has_said_first(name, held):
                    record_first_judgement(actor=actor, held=held, token=token, label=label)
                window = timedelta(seconds=600)
                said = Said(label)
                record_judgement(actor=actor, claim_id=held.claim.pk, token=token, said=said, hold=window)
            elif what == "lapse":
                lapse({"id": held.claim.pk})
                expire_claims()
            else:
                release_claim(actor=actor, claim_id=held.claim.pk, token=token)

    def _has_said_first(self, name: str, held: Held) -> bool:
        """A first judgement stays when the final one is undone."""
        said = Judgement.objects.filter(review_id=held.claim.review_id, user=self.world.users[name], stage="first")
        return said.exists()

    def _undo(self, name: str) -> None:
        said = Judgement.objects.filter(
            case_id=self.case_id, user=self.world.users[name], stage="final", undone_at=None
        )
        last = said.order_by("-pk").first()
        if last is None:
            return
        claim = undo_judgement(actor=self.world.actor(name), judgement_id=last.pk)
        release_claim(actor=self.world.actor(name), claim_id=claim.pk, token=claim.token or "")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SCHEMES), STEPS, st.data())
def test_a_random_walk_breaks_nothing_and_ends(
    world: World, scheme: dict[str, Any], steps: list[tuple[str, str]], data: st.DataObject
) -> None:
    for name in ("cleo", "dora"):
        if name not in world.users:
            add_reviewer(world, name)
    walk = Walk(world, scheme)
    for what, name in steps:
        with suppress(DomainError):  # refused, and nothing changed
            walk.step(what, name, data.draw(st.sampled_from(["approve", "reject"])))
        check_invariants(walk.case_id)
    for _ in range(30):  # everybody works on: it ends
        for name in (*PEOPLE, "alice"):
            panel = Panel.objects.get(case_id=walk.case_id)
            if panel.status == "returned" and name == "alice":
                settle_panel(actor=world.actor("alice"), panel_id=panel.pk, label="reject", reason="settled")
            elif name != "alice":
                walk.step("judge" if name in walk.held else "claim", name, "approve")
            check_invariants(walk.case_id)
        if Case.objects.get(pk=walk.case_id).status == "decided":
            return
    raise AssertionError("the case was never decided")
