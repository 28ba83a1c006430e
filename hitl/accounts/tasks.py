"""Celery's doorbell for accounts."""

from celery import shared_task

from hitl.accounts.actions import forgetting


@shared_task(name="accounts.forget_expired")
def forget_expired() -> None:
    forgetting.forget_expired()
