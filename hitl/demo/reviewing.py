"""Simulated reviewers at work: they claim and judge through the REST API, as a reviewer's own tool would."""

import random
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx

from hitl.demo.cases import DemoCase
from hitl.demo.plan import SEED, SimulatedPerson

_SURE, _UNSURE = 0.95, 0.7
_SWAYED = 0.3
"""How often somebody whom the machine contradicts takes its answer, right or wrong."""
_ANCHORED = 0.5
"""The same for who saw it before making up their mind."""


class SimulatedReviewer:
    """One simulated person with a key of their own. What they say depends on the seed, the person and the case only."""

    def __init__(self, person: SimulatedPerson, base_url: str, key: str) -> None:
        self._person = person
        self._http = httpx.Client(
            base_url=f"{base_url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=60.0, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def judge_next(self, queue: str, cases: Mapping[str, DemoCase]) -> bool:
        """Claim the next review of `queue` and judge it; false when none is left. `cases` by external id."""
        response = self._http.post("/reviews/claim", json={"queue": queue})
        if response.status_code == httpx.codes.NO_CONTENT:
            return False
        claim = _body(response)["claim"]
        case = cases.get(str(claim["case"]["external_id"]))
        if case is None:  # somebody else's case: give it back for good
            self._post(claim, "skip", {"reason": "not part of the demo"})
            return True
        dice = random.Random(f"{SEED}:{self._person.username}:{case.external_id}")  # noqa: S311  # a simulation
        label, confidence = opinion(case, self._person.skill, dice)
        said = {"label": label, "confidence": confidence}
        if claim["review"]["judge_first"]:
            machine = self._post(claim, "first-judgement", said)["machine"]
            share = _SWAYED
        else:
            machine, share = claim["case"].get("prediction"), _ANCHORED
        if machine and machine["label"] != label and dice.random() < share:
            said["label"] = machine["label"]
        self._post(claim, "judgement", said)
        return True

    def _post(self, claim: Mapping[str, Any], verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return _body(self._http.post(f"/claims/{claim['id']}/{verb}", json={"token": claim["token"], **body}))


def opinion(case: DemoCase, skill: float, dice: random.Random) -> tuple[str, float]:
    """The truth with probability `skill`, else the label it is mistaken for most; and how sure the person feels."""
    right = dice.random() < skill
    sure = dice.random() < (0.8 if right else 0.4)
    return (case.truth if right else case.rival), (_SURE if sure else _UNSURE)


def _body(response: httpx.Response) -> dict[str, Any]:
    response.raise_for_status()
    found: dict[str, Any] = response.json()
    return found
