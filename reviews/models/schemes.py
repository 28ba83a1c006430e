"""What is wrong with a declared scheme, for whoever saves it: pages, admin and the configuration file alike."""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError

from reviews.engine.declared import problems_of, read_scheme

if TYPE_CHECKING:
    from reviews.models.queues import Queue


def check_scheme(value: Any) -> None:
    """A scheme by itself."""
    try:
        found = problems_of(read_scheme(value))
    except ValueError as error:
        raise ValidationError(str(error)) from None
    if found:
        raise ValidationError([f"{field}: {detail}" for field, detail in found])


def check_scheme_against(queue: "Queue") -> None:
    """A scheme against the workspace: the labels it breaks ties with, the queues it sends reviews to."""
    if not queue.scheme:
        return
    try:
        scheme = read_scheme(queue.scheme)
    except ValueError:
        return  # the field's own check has said it
    others = type(queue).objects.filter(workspace_id=queue.workspace_id, tier__automated=False)
    slugs = {slug for slug, of in others.values_list("slug", "task_type_id") if of in (None, queue.task_type_id)}
    labels = queue.task_type.label_values if queue.task_type else None
    keys = [q["key"] for q in queue.task_type.questions] if queue.task_type else None
    found = problems_of(scheme, labels=labels, queues=slugs | {queue.slug}, questions=keys)
    if scheme.tie_break and queue.task_type is None:
        found.append(("tie_break", "A general queue has no labels; give the queue a task type or let people decide."))
    if found:
        raise ValidationError({"scheme": [f"{field}: {detail}" for field, detail in found]})
