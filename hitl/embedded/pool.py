"""Loaded by the supervised Celery worker (`--include`): its pool processes end with it."""

from celery.signals import worker_process_init

from hitl.embedded.lifeline import exit_with_parent


@worker_process_init.connect
def follow_worker(**_: object) -> None:
    exit_with_parent()
