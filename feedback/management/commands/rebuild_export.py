"""`manage.py rebuild_export ID [--out FILE]`: make an export again from its manifest and compare the hashes."""

from argparse import ArgumentParser
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from feedback.actions.exports import copy_to_rebuild
from feedback.exporting import Pass
from feedback.models import Export
from hitl.core.errors import Refused


class Command(BaseCommand):
    help = "Make an export again from its manifest; fails where it is not byte for byte the same."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("export", type=UUID, help="Its id, as the manifest says it.")
        parser.add_argument("--out", type=Path, help="Write the file there.")

    def handle(self, *args: Any, **options: Any) -> None:
        export = Export.objects.filter(pk=options["export"]).first()
        if export is None:
            raise CommandError("There is no export of this id.")
        try:
            made = Pass(copy_to_rebuild(export))
        except Refused as error:
            raise CommandError(error.detail) from None
        with options["out"].open("wb") if options["out"] else nullcontext() as file:
            for piece in made.pieces():
                if file is not None:
                    file.write(piece)
        if made.sha256 != export.sha256:
            raise CommandError(f"It differs: SHA-256 {made.sha256}, the manifest says {export.sha256}.")
        self.stdout.write(f"Identical: {made.rows} rows, SHA-256 {made.sha256}.")
