"""Loads one part of the demo, stage by stage, as its people and its partner would: through REST and the actions.

Imports neither scikit-learn nor httpx before a stage needs it: finding that all is done must be quick.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from hitl.accounts.models import User, Workspace
from hitl.accounts.selectors import actor_of_user
from hitl.core.actors import Actor, system_actor
from hitl.core.parsing import convert
from hitl.demo.actions.people import ensure_workspace
from hitl.demo.actions.stages import Stage, finish_stage, finished_stages
from hitl.demo.cases import DemoCase
from hitl.demo.credentials import Credentials
from hitl.demo.parts import Part
from hitl.demo.people import ensure_credentials, ensure_people, note_address, valid_credentials
from hitl.demo.plan import WORKSPACE, WORKSPACE_TITLE
from reviews.config.apply import apply_configuration
from reviews.config.structs import Configuration
from routing.documents import read_document

Say = Callable[[str], None]


@dataclass(frozen=True)
class Load:
    """One part being loaded: where, by whom, and with which cases."""

    part: Part
    workspace: Workspace
    credentials: Credentials
    say: Say

    @cached_property
    def cases(self) -> Mapping[str, list[DemoCase]]:
        """Per task type, history first; made on first use, which takes some seconds."""
        self.say("training the models and predicting cases they never saw …")
        return self.part.make()

    def history(self) -> Mapping[str, list[DemoCase]]:
        """What is judged before the recalibration."""
        return {name: found[: self.part.amounts.history[name]] for name, found in self.cases.items()}

    def fresh(self) -> Mapping[str, list[DemoCase]]:
        """What comes under the policy that came of it."""
        return {name: found[self.part.amounts.history[name] :] for name, found in self.cases.items()}

    def supervisor(self) -> Actor:
        """Alice."""
        actor = actor_of_user(User.objects.get(username="alice"), self.workspace.pk)
        assert actor is not None
        return actor


def is_loaded(part: Part, home: Path, base_url: str) -> bool:
    """Whether nothing is left to do but, at most, to note another address."""
    workspace = Workspace.objects.filter(slug=WORKSPACE).first()
    if workspace is None or finished_stages(workspace, part.name) != frozenset(Stage):
        return False
    credentials = valid_credentials(workspace, home)
    if credentials is not None:
        note_address(credentials, home, base_url)
    return credentials is not None


def load(part: Part, home: Path, base_url: str, say: Say) -> None:
    """Do what is left of the part; finished stages are not repeated, one that was interrupted goes on."""
    from hitl.demo import stages

    workspace = ensure_workspace(slug=WORKSPACE, title=WORKSPACE_TITLE)
    actor = system_actor(workspace.pk, "demo")
    ensure_people(actor)
    done = finished_stages(workspace, part.name)
    if not done:
        configuration = convert(read_document(part.config.read_text(encoding="utf-8")), Configuration)
        apply_configuration(actor=actor, config=configuration)
    credentials = ensure_credentials(actor, workspace, home, base_url)
    work = Load(part, workspace, credentials, say)
    for stage in Stage:
        if stage not in done:
            detail = stages.WORK[stage](work)
            finish_stage(workspace, part.name, stage, detail)
            say(detail)
