"""An export as a download."""

from collections.abc import Iterator

from django.http import StreamingHttpResponse

from feedback.export_formats import KINDS
from feedback.export_payloads import manifest_url
from feedback.models import Export


def file_response(export: Export, pieces: Iterator[bytes]) -> StreamingHttpResponse:
    """A download under a name that tells kind, moment and format."""
    kind = KINDS[Export.Format(export.format)]
    response = StreamingHttpResponse(pieces, content_type=kind.content_type)
    name = f"hitl-{export.kind}-{export.as_of:%Y%m%dT%H%M%SZ}.{kind.suffix}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "no-store"
    response["X-Manifest"] = manifest_url(export)
    return response
