"""The WSGI application as the supervisor serves it: hitl's own, in a worker that ends with its server."""

from hitl.embedded.lifeline import exit_with_parent
from hitl.wsgi import application

__all__ = ["application"]

exit_with_parent()
