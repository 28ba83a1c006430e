import time
from datetime import timedelta

from django.contrib.sessions.models import Session

from hitl.accounts.models import IdempotencyKey, RateWindow
from hitl.accounts.tasks import forget_expired
from hitl.core.clock import now
from hitl.core.ids import new_id
from tests.factories import World


def test_what_has_expired_is_forgotten_and_the_rest_stays(world: World) -> None:
    minute = int(time.time()) // 60
    for name, age in (("old", timedelta(hours=25)), ("fresh", timedelta(hours=23))):
        IdempotencyKey.objects.create(
            workspace=world.workspace,
            owner_id=new_id(),
            key=name,
            request_hash=b"",
            status=201,
            body=b"",
            created_at=now() - age,
        )
        Session.objects.create(session_key=name, session_data="", expire_date=now() + timedelta(hours=24) - age)
    RateWindow.objects.create(key_id=new_id(), minute=minute - 10, taken=1)
    RateWindow.objects.create(key_id=new_id(), minute=minute, taken=1)
    forget_expired()
    forget_expired()
    assert list(IdempotencyKey.objects.values_list("key", flat=True)) == ["fresh"]
    assert list(Session.objects.values_list("session_key", flat=True)) == ["fresh"]
    assert RateWindow.objects.count() == 1
