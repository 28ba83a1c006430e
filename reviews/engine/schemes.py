"""Review schemes (mission C5): who judges a case, and what follows from what was said so far. Pure.

A scheme is declared on a queue and pinned on the case. `next_step` is asked when the case comes to people, and again
after every judgement; it looks only at the scheme and at the voices so far.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    SINGLE = "single"
    BLIND_DOUBLE = "blind_double"
    DYNAMIC_THIRD = "dynamic_third"
    PANEL = "panel"


class Agreement(StrEnum):
    """When a panel of roles is of one mind."""

    UNANIMOUS = "unanimous"
    MAJORITY = "majority"
    ROLE_DEFERENCE = "role_deference"


class OnConflict(StrEnum):
    """What becomes of a conflict: an adjudicator decides, or the next tier, a supervisor, or a declared label."""

    ADJUDICATE = "adjudicate"
    ESCALATE = "escalate"
    RETURN = "return"
    TIE_BREAK = "tie_break"


@dataclass(frozen=True, slots=True)
class Role:
    """A stakeholder's seat on a panel. `queue`: where its review waits, empty: the case's own. `decides`: the
    questions this role alone answers.
    """

    name: str
    title: str = ""
    queue: str = ""
    decides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scheme:
    """`adjudication_queue` empty: the case's own queue. `defer_to`: a role. `tie_break`: a label."""

    kind: Kind = Kind.SINGLE
    on_conflict: OnConflict = OnConflict.ADJUDICATE
    roles: tuple[Role, ...] = ()
    in_sequence: bool = False
    agreement: Agreement = Agreement.UNANIMOUS
    defer_to: str = ""
    tie_break: str = ""
    adjudication_queue: str = ""


SINGLE = Scheme()
FIRST, SECOND, THIRD, ADJUDICATOR = "first", "second", "third", "adjudicator"
RESERVED = frozenset({FIRST, SECOND, THIRD, ADJUDICATOR, "opinion", "asker", ""})


@dataclass(frozen=True, slots=True)
class Voice:
    """One seat and what was said on it; label null while its review is open."""

    seat: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Seat:
    """A review to open. `queue`: a slug, empty for the case's own; `above`: the next higher tier's instead."""

    name: str
    queue: str = ""
    above: bool = False


class Owner(StrEnum):
    """Whose decision it is (mission E1)."""

    REVIEWER = "reviewer"
    PANEL = "panel"
    ADJUDICATOR = "adjudicator"


@dataclass(frozen=True, slots=True)
class Wait:
    """Others have still to speak."""


@dataclass(frozen=True, slots=True)
class Open:
    """Open these reviews; `explanation` says why, where a conflict is the reason."""

    seats: tuple[Seat, ...]
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Decide:
    label: str
    owner: Owner
    reason: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Nobody on the panel can end it: a supervisor is asked."""

    explanation: str


Step = Wait | Open | Decide | Conflict


def next_step(scheme: Scheme, voices: Sequence[Voice]) -> Step:
    """What follows. `voices`: every seat opened so far, in the order of opening.

    Terminates: each `Open` names seats not yet taken, and there are at most as many as the scheme has roles, or three,
    and an adjudicator.
    """
    ruling = next((v for v in voices if v.seat == ADJUDICATOR), None)
    if ruling is not None:
        if ruling.label is None:
            return Wait()
        return Decide(ruling.label, Owner.ADJUDICATOR, "The adjudicator decided.")
    match scheme.kind:
        case Kind.SINGLE:
            return _single(voices)
        case Kind.BLIND_DOUBLE:
            return _pair(scheme, voices)
        case Kind.DYNAMIC_THIRD:
            return _third(scheme, voices)
        case Kind.PANEL:
            return _panel(scheme, voices)


def _single(voices: Sequence[Voice]) -> Step:
    if not voices:
        return Open((Seat(FIRST),))
    label = voices[0].label
    return Wait() if label is None else Decide(label, Owner.REVIEWER, "")


def _pair(scheme: Scheme, voices: Sequence[Voice]) -> Step:
    if not voices:
        return Open((Seat(FIRST), Seat(SECOND)))
    said = _said(voices)
    if len(said) < len(voices):
        return Wait()
    if len(set(said)) == 1:
        return Decide(said[0], Owner.PANEL, "Both reviewers, each on their own, said the same.")
    return _conflict(scheme, "Two reviewers, each on their own, disagree.")


def _third(scheme: Scheme, voices: Sequence[Voice]) -> Step:
    if not voices:
        return Open((Seat(FIRST), Seat(SECOND)))
    said = _said(voices)
    if len(said) < len(voices):
        return Wait()
    label, count = Counter(said).most_common(1)[0]
    if count >= 2:
        reason = "Both reviewers said the same." if len(said) == 2 else "Two of three reviewers said the same."
        return Decide(label, Owner.PANEL, reason)
    if len(said) == 2:
        return Open((Seat(THIRD),))
    return _conflict(scheme, "Three reviewers gave three answers.")


def _panel(scheme: Scheme, voices: Sequence[Voice]) -> Step:
    said = _said(voices)
    if len(said) < len(voices):
        return Wait()
    left = [role for role in scheme.roles if role.name not in {v.seat for v in voices}]
    if left and not (scheme.in_sequence and _is_settled(scheme, said, len(left))):
        first = left[:1] if scheme.in_sequence else left
        return Open(tuple(Seat(role.name, role.queue) for role in first))
    return _of_one_mind(scheme, voices, said)


def _is_settled(scheme: Scheme, said: Sequence[str], left: int) -> bool:
    """Whether those still to speak can change nothing: only asked of a panel that speaks in sequence."""
    if not said or scheme.agreement is Agreement.ROLE_DEFERENCE:
        return False
    if scheme.agreement is Agreement.UNANIMOUS:
        return len(set(said)) > 1
    most = max(Counter(said).values())
    seats = len(scheme.roles)
    return 2 * most > seats or 2 * (most + left) <= seats


def _of_one_mind(scheme: Scheme, voices: Sequence[Voice], said: Sequence[str]) -> Step:
    seats = len(scheme.roles)
    label, most = Counter(said).most_common(1)[0]
    match scheme.agreement:
        case Agreement.ROLE_DEFERENCE:
            deferred = next(v.label for v in voices if v.seat == scheme.defer_to)
            assert deferred is not None
            return Decide(deferred, Owner.PANEL, f"The panel defers to {_title(scheme, scheme.defer_to)}.")
        case Agreement.UNANIMOUS:
            if most == seats:
                return Decide(label, Owner.PANEL, f"All {seats} roles said the same.")
        case Agreement.MAJORITY:
            if 2 * most > seats:
                return Decide(label, Owner.PANEL, f"{most} of {seats} roles said the same.")
    wanted = "All had to agree" if scheme.agreement is Agreement.UNANIMOUS else "More than half had to agree"
    parts = "; ".join(f"{_title(scheme, v.seat)}: {v.label}" for v in voices)
    return _conflict(scheme, f"{wanted}, and they did not. {parts}.")


def _title(scheme: Scheme, name: str) -> str:
    return next((role.title for role in scheme.roles if role.name == name), "") or name


def _conflict(scheme: Scheme, explanation: str) -> Step:
    match scheme.on_conflict:
        case OnConflict.TIE_BREAK:
            return Decide(scheme.tie_break, Owner.PANEL, f"{explanation} The tie is broken as declared.")
        case OnConflict.RETURN:
            return Conflict(explanation)
        case OnConflict.ESCALATE:
            return Open((Seat(ADJUDICATOR, above=True),), explanation)
        case OnConflict.ADJUDICATE:
            return Open((Seat(ADJUDICATOR, scheme.adjudication_queue),), explanation)


def _said(voices: Sequence[Voice]) -> list[str]:
    return [v.label for v in voices if v.label is not None]
