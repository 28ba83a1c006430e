"""hitl decides cases with machines and people together."""

from hitl.celery import app as celery_app

__all__ = ["celery_app"]
