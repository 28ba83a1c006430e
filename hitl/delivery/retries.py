"""When a webhook is tried again. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

# After the first attempt, the second, … ; after the last one the delivery is dead.
SCHEDULE = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
)
_LONGEST = SCHEDULE[-1]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt: the HTTP status, or null and the error when no answer came."""

    status: int | None
    error: str = ""
    retry_after: str | None = None

    @property
    def delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """410: the receiver wants no more."""
        return self.status == 410


def delay_after(attempts: int, outcome: Outcome, *, now: datetime) -> timedelta | None:
    """How long to wait after `attempts` attempts, the last with `outcome`; null: never again.

    Retry-After (RFC 9110: seconds or a date) can lengthen the wait, to a day at most.
    """
    if outcome.gone or attempts > len(SCHEDULE):
        return None
    return max(SCHEDULE[attempts - 1], min(asked_for(outcome.retry_after, now), _LONGEST))


def asked_for(value: str | None, now: datetime) -> timedelta:
    """What a Retry-After header asks to wait; nothing where it is absent or not understood."""
    if not value:
        return timedelta(0)
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:9]), 10**6))
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return timedelta(0)
    return (date if date.tzinfo else date.replace(tzinfo=UTC)) - now
