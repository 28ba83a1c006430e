"""Cases of the past month, for whatever looks back."""

import uuid
from datetime import timedelta

from hitl.core.clock import now
from reviews.models import Case
from tests.factories import World


def age(world: World, count: int, days: float = 10.0) -> list[Case]:
    """Copies of the newest case, as if they had come `days` ago; ids tell the time as UUIDv7 do."""
    model = Case.objects.filter(workspace=world.workspace).order_by("-id")[0]
    at = now() - timedelta(days=days)
    made = []
    for number in range(count):
        row = Case.objects.get(pk=model.pk)
        row.pk = uuid.UUID(int=(int(at.timestamp() * 1000) << 80) + number)
        row.external_id, row.created_at = None, at
        made.append(row)
    return Case.objects.bulk_create(made)
