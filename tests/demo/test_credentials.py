"""`demo-credentials.json`: the form others rely on, and closed to everybody else."""

import json
import stat
from pathlib import Path

from hitl.demo.credentials import Credentials, UserCredentials, read_credentials, write_credentials

CREDENTIALS = Credentials(
    "http://127.0.0.1:8000",
    "demo",
    "hitl_a_b",
    {
        "alice": UserCredentials("alice", "secret", "supervisor", "hitl_c_d", None, ()),
        "bob": UserCredentials("bob", "secret", "reviewer", "hitl_e_f", "tier-1", ("digits",)),
    },
)


def test_the_file_has_the_promised_form(tmp_path: Path) -> None:
    write_credentials(tmp_path, CREDENTIALS)
    content = json.loads((tmp_path / "demo-credentials.json").read_text())
    assert list(content) == ["base_url", "workspace", "api_key", "users"]
    assert content["users"]["bob"] == {
        "username": "bob",
        "password": "secret",
        "role": "reviewer",
        "api_key": "hitl_e_f",
        "tier": "tier-1",
        "queues": ["digits"],
    }
    assert content["users"]["alice"]["tier"] is None


def test_only_the_owner_may_read_it_even_where_a_looser_one_was(tmp_path: Path) -> None:
    path = tmp_path / "demo-credentials.json"
    path.write_text("old")
    path.chmod(0o644)
    write_credentials(tmp_path, CREDENTIALS)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["demo-credentials.json"]


def test_what_was_written_is_read_back_and_anything_else_is_nothing(tmp_path: Path) -> None:
    assert read_credentials(tmp_path) is None
    write_credentials(tmp_path, CREDENTIALS)
    assert read_credentials(tmp_path) == CREDENTIALS
    (tmp_path / "demo-credentials.json").write_text('{"base_url": 1}')
    assert read_credentials(tmp_path) is None
