"""Guidelines, test suites and gold cases of a configuration file. All are immutable: what is there already stays."""

from collections.abc import Iterator, Mapping, Sequence

from hitl.core.actors import Actor
from reviews.actions.gold import Answer, GoldContent, create_gold
from reviews.actions.guidelines import put_in_force, write_guideline
from reviews.actions.suites import plain_examples, write_suite
from reviews.config.rows import at, pick
from reviews.config.structs import GoldConfig, GuidelineConfig, SuiteConfig
from reviews.guidelines import in_force
from reviews.models import GoldCase, GuidelineVersion, Queue, SuiteVersion
from routing.models import TaskType


def apply_guidelines(
    actor: Actor, entries: Sequence[GuidelineConfig], kinds: Mapping[str, TaskType], queues: Mapping[str, Queue]
) -> Iterator[str]:
    """Write each version that is not there yet and put it in force where the file says."""
    for place, entry in enumerate(entries):
        with at(f"/guidelines/{place}"):
            kind = pick(kinds, entry.task_type, f"/guidelines/{place}/task_type", "task type")
            written = GuidelineVersion.objects.filter(task_type=kind, title=entry.title, text=entry.text.strip())
            version = written.order_by("-number").first()
            if version is None:
                version = write_guideline(
                    actor=actor, task_type=kind, title=entry.title, text=entry.text, note=entry.note
                )
                yield f"guideline {kind.slug}: version {version.number} written"
            for slug in entry.queues:
                queue = pick(queues, slug, f"/guidelines/{place}/queues", "queue")
                current = in_force(queue.pk)
                if current is None or current.version.number < version.number:
                    put_in_force(actor=actor, version=version, queue=queue, must_acknowledge=entry.must_acknowledge)
                    yield f"guideline {kind.slug}: version {version.number} in force in {slug}"


def apply_suites(actor: Actor, entries: Sequence[SuiteConfig], kinds: Mapping[str, TaskType]) -> Iterator[str]:
    """Write each version that is not there yet."""
    for place, entry in enumerate(entries):
        with at(f"/suites/{place}"):
            kind = pick(kinds, entry.task_type, f"/suites/{place}/task_type", "task type")
            known = SuiteVersion.objects.filter(task_type=kind, examples=plain_examples(entry.examples))
            if not known.exists():
                version = write_suite(actor=actor, task_type=kind, examples=entry.examples, note=entry.note)
                yield f"suite {kind.slug}: version {version.number} written, {version.size} examples"


def apply_gold(actor: Actor, entries: Sequence[GoldConfig], kinds: Mapping[str, TaskType]) -> Iterator[str]:
    """Make each gold case whose slug is not there yet."""
    for place, entry in enumerate(entries):
        with at(f"/gold/{place}"):
            if GoldCase.objects.filter(workspace_id=actor.workspace_id, slug=entry.slug).exists():
                continue
            create_gold(
                actor=actor,
                task_type=pick(kinds, entry.task_type, f"/gold/{place}/task_type", "task type"),
                content=GoldContent(entry.input, entry.prediction, entry.key_evidence),
                answer=Answer(entry.label, entry.explanation, entry.machine_wrong, entry.purpose, entry.slug),
            )
            yield f"gold {entry.slug}: created"
