"""The parts of the demo: which configuration, which cases, which queues. Data is made when asked for, not on import."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hitl.demo.cases import DemoCase
from hitl.demo.plan import SEED, Amounts

_CONFIG = Path(__file__).parent / "config"


@dataclass(frozen=True, slots=True)
class Queueing:
    """Who of the simulated reviewers works a queue, and how many of its reviews they leave for people."""

    reviewers: tuple[str, ...]
    leave: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """`make` returns the cases per task type, history first; it imports scikit-learn."""

    name: str
    config: Path
    amounts: Amounts
    queues: Mapping[str, Queueing]
    make: Callable[[], Mapping[str, list[DemoCase]]]


MAIN = "main"
_EXPERTS = ("sim-anna", "sim-ben")
_SPECIALISTS = ("sim-chloe", "sim-dan")
_READERS = ("sim-ella", "sim-finn")

MAIN_QUEUES = {
    "digits": Queueing((*_READERS, *_SPECIALISTS, *_EXPERTS), leave=150),
    "digits-expert": Queueing(_EXPERTS, leave=20),
    "cytology": Queueing((*_SPECIALISTS, *_EXPERTS)),
    "cytology-expert": Queueing(_EXPERTS),
}
MAIN_AMOUNTS = Amounts(
    history={"digit-reading": 600, "cytology-triage": 240},
    fresh={"digit-reading": 220, "cytology-triage": 140},
)


def main_part(amounts: Amounts = MAIN_AMOUNTS, queues: Mapping[str, Queueing] = MAIN_QUEUES) -> Part:
    """digit-reading and cytology-triage."""

    def make() -> Mapping[str, list[DemoCase]]:
        from hitl.demo.cytology import cytology_cases
        from hitl.demo.digits import digit_cases

        makers = {"digit-reading": digit_cases, "cytology-triage": cytology_cases}
        return {name: makers[name](SEED, amounts.history[name] + amounts.fresh[name]) for name in makers}

    return Part(MAIN, _CONFIG / "demo.yaml", amounts, queues, make)


MAIL_TASK_TYPE = "message-moderation"
MAIL_AMOUNTS = Amounts(history={MAIL_TASK_TYPE: 400}, fresh={MAIL_TASK_TYPE: 150})
MAIL_QUEUES = {"messages": Queueing((*_READERS, *_SPECIALISTS))}


def mail_part(archive: Path, amounts: Amounts = MAIL_AMOUNTS) -> Part:
    """message-moderation, from the archive that `hitl.demo.mail_archive` fetched."""

    def make() -> Mapping[str, list[DemoCase]]:
        from hitl.demo.mail import mail_cases
        from hitl.demo.mail_archive import read_mails

        count = amounts.history[MAIL_TASK_TYPE] + amounts.fresh[MAIL_TASK_TYPE]
        return {MAIL_TASK_TYPE: mail_cases(read_mails(archive), SEED, count)}

    return Part("mail", _CONFIG / "mail.yaml", amounts, MAIL_QUEUES, make)
