"""Load a declarative configuration file (docs/configuration.md)."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from msgspec import UNSET

from hitl.accounts.models import User, Workspace
from hitl.accounts.selectors import actor_of_user
from hitl.core.actors import Actor, system_actor
from hitl.core.errors import DomainError
from hitl.core.parsing import convert
from reviews.config.apply import apply_configuration
from reviews.config.structs import Configuration
from routing.actions.workspaces import OPERATOR, create_workspace
from routing.documents import line_of, read_document


class Command(BaseCommand):
    help = "Bring task types, tiers, queues, policies and reviewers to what a YAML file says; prints what changes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="Path of the file, or - for standard input.")
        parser.add_argument("--workspace", help="Slug; wins over the file's.")
        parser.add_argument("--create-workspace", action="store_true", help="Create the workspace if it is missing.")
        parser.add_argument("--as", dest="username", help="Act as this person; otherwise as the operator.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would change; change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Parse, apply in one transaction, print."""
        text = _read(options["file"])
        try:
            config = convert(read_document(text), Configuration)
            changes = self._apply(config, options)
        except DomainError as error:
            raise CommandError(_in_words(error, text)) from None
        for change in changes:
            self.stdout.write(change)
        if not changes:
            self.stdout.write("Nothing to change.")
        elif options["dry_run"]:
            self.stdout.write("Dry run: nothing was changed.")

    def _apply(self, config: Configuration, options: dict[str, Any]) -> list[str]:
        with transaction.atomic():
            workspace, changes = _workspace(config, options["workspace"], create=options["create_workspace"])
            actor = _actor(workspace, options["username"])
            changes += apply_configuration(actor=actor, config=config)
            if options["dry_run"]:
                transaction.set_rollback(True)
        return changes


def _read(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} cannot be read: {error}") from None


def _workspace(config: Configuration, slug: str | None, *, create: bool) -> tuple[Workspace, list[str]]:
    slug = slug or ("" if config.workspace is UNSET else config.workspace.slug)
    if not slug:
        raise CommandError("Name the workspace: `workspace: {slug: …}` in the file, or --workspace.")
    found = Workspace.objects.filter(slug=slug).first()
    if found is not None:
        return found, []
    if not create:
        raise CommandError(f"There is no workspace {slug!r}. Create it with --create-workspace, or name another.")
    title = slug if config.workspace is UNSET or config.workspace.title is UNSET else config.workspace.title
    return create_workspace(slug=slug, title=title), [f"workspace {slug}: created"]


def _actor(workspace: Workspace, username: str | None) -> Actor:
    if username is None:
        return system_actor(workspace.pk, OPERATOR)
    user = User.objects.filter(username=username).first()
    actor = actor_of_user(user, workspace.pk) if user else None
    if actor is None:
        raise CommandError(f"{username!r} is not an active member of {workspace.slug!r}.")
    return actor


def _in_words(error: DomainError, text: str) -> str:
    if not error.errors:
        return error.detail
    lines = []
    for problem in error.errors:
        line = line_of(text, problem.pointer) if problem.pointer else None
        where = (f"line {line}, " if line else "") + (f"{problem.pointer}: " if problem.pointer else "")
        lines.append(f"{where}{problem.detail}")
    return "\n".join(lines)
