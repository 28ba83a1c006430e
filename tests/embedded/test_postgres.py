"""The embedded PostgreSQL: real, private, durable, and gone when it should be, whatever gets killed."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dj_database_url
import psycopg
import pytest

from hitl.embedded.binaries import AlreadyRunningError, EmbeddedPostgresError, system_binaries
from hitl.embedded.place import place_for
from hitl.embedded.postgres import EmbeddedPostgres
from hitl.embedded.processes import process_table, wait_until

PATIENCE_S = 60.0

LAUNCHER = """
import sys, signal
from pathlib import Path
from hitl.embedded.postgres import EmbeddedPostgres
print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True)
signal.pause()
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "home"
    yield path
    EmbeddedPostgres(path).destroy()


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home)
    server.start()
    yield server
    server.stop()


def alive(pid: int) -> bool:
    return any(p.pid == pid and p.alive for p in process_table())


def postmaster_of(home: Path) -> int:
    return int((place_for(home).data / "postmaster.pid").read_text().splitlines()[0])


def family_of(home: Path) -> list[int]:
    """The postmaster and its children: all have the data directory as working directory."""
    data = place_for(home).data
    found = []
    for process in process_table():
        try:
            if process.alive and Path(f"/proc/{process.pid}/cwd").readlink() == data:
                found.append(process.pid)
        except OSError:
            continue
    return found


def remember(url: str, text: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS note (text text)")
        connection.execute("INSERT INTO note VALUES (%s)", [text])


def remembered(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute("SELECT text FROM note ORDER BY text")]


def test_it_is_real_durable_and_reachable_by_socket_only(server: EmbeddedPostgres) -> None:
    names = ("fsync", "listen_addresses", "server_encoding", "max_connections")
    with psycopg.connect(server.url) as connection:
        values = [connection.execute("SELECT current_setting(%s)", [n]).fetchone() for n in names]
    assert values == [("on",), ("",), ("UTF8",), ("100",)]


def test_django_reads_the_same_url(server: EmbeddedPostgres) -> None:
    settings = dj_database_url.parse(server.url)
    assert (settings["NAME"], settings["USER"]) == ("hitl", "hitl")
    assert settings["HOST"] == str(place_for(server.home).sockets)


def test_data_and_socket_are_closed_to_others(server: EmbeddedPostgres) -> None:
    place = place_for(server.home)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (place.data, place.sockets)] == [0o700, 0o700]


def test_stop_leaves_no_process_and_start_finds_the_data(server: EmbeddedPostgres) -> None:
    remember(server.url, "kept")
    family = family_of(server.home)
    assert family
    server.stop()
    assert not any(alive(pid) for pid in family)
    assert remembered(server.start()) == ["kept"]


def test_it_starts_again_after_its_postmaster_was_killed(server: EmbeddedPostgres) -> None:
    remember(server.url, "kept")
    busy = psycopg.connect(server.url)
    busy.execute("SELECT 1")
    os.kill(postmaster_of(server.home), signal.SIGKILL)
    assert remembered(server.start()) == ["kept"]


def test_it_recovers_by_itself_after_a_backend_was_killed(server: EmbeddedPostgres) -> None:
    remember(server.url, "kept")
    with psycopg.connect(server.url) as connection:
        os.kill(connection.info.backend_pid, signal.SIGKILL)

    def answers() -> bool:
        try:
            return remembered(server.url) == ["kept"]
        except psycopg.OperationalError:
            return False

    assert wait_until(answers, PATIENCE_S)


def test_it_ends_with_its_killed_launcher_and_starts_again(home: Path) -> None:
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER, str(home)], stdout=subprocess.PIPE, text=True)
    assert launcher.stdout is not None
    remember(launcher.stdout.readline().strip(), "kept")
    family = family_of(home)
    launcher.kill()
    launcher.wait()
    assert wait_until(lambda: not any(alive(pid) for pid in family), PATIENCE_S)
    server = EmbeddedPostgres(home)
    assert remembered(server.start()) == ["kept"]
    server.stop()


def test_a_postmaster_that_outlived_its_launcher_is_ended_first(home: Path) -> None:
    """SIGSTOP keeps it from obeying the launcher's death."""
    launcher = subprocess.Popen([sys.executable, "-c", LAUNCHER, str(home)], stdout=subprocess.PIPE, text=True)
    assert launcher.stdout is not None
    remember(launcher.stdout.readline().strip(), "kept")
    old = postmaster_of(home)
    os.kill(old, signal.SIGSTOP)
    launcher.kill()
    launcher.wait()
    assert alive(old)
    os.kill(old, signal.SIGCONT)
    server = EmbeddedPostgres(home)
    assert remembered(server.start()) == ["kept"]
    assert not alive(old)
    server.stop()


def test_a_pid_file_that_names_a_zombie_or_a_stranger_does_not_keep_it_from_starting(server: EmbeddedPostgres) -> None:
    server.stop()
    zombie = subprocess.Popen(["true"])
    assert wait_until(lambda: not alive(zombie.pid), PATIENCE_S)
    for pid in (zombie.pid, os.getpid()):
        (place_for(server.home).data / "postmaster.pid").write_text(f"{pid}\n{place_for(server.home).data}\n1\n5432\n")
        server.start()
        server.stop()
    zombie.wait()


def test_a_second_launcher_is_refused_and_the_first_undisturbed(server: EmbeddedPostgres) -> None:
    with pytest.raises(AlreadyRunningError):
        EmbeddedPostgres(server.home).start()
    remember(server.url, "still here")


def test_an_interrupted_initdb_is_repeated(home: Path) -> None:
    place = place_for(home)
    (place.base / "data.new").mkdir()
    (place.base / "data.new" / "PG_VERSION").write_text("18")
    server = EmbeddedPostgres(home)
    remember(server.start(), "works")
    server.stop()


def test_a_deep_home_still_gets_a_socket(tmp_path: Path) -> None:
    home = tmp_path / ("d" * 60) / ("e" * 60)
    server = EmbeddedPostgres(home)
    remember(server.start(), "works")
    assert len(os.fsencode(place_for(home).sockets / ".s.PGSQL.5432")) <= 92
    server.stop()
    server.destroy()


def test_the_system_programs_serve_where_the_wheel_has_none(home: Path) -> None:
    binaries = system_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL 15 or newer is installed")
    server = EmbeddedPostgres(home, binaries=binaries)
    remember(server.start(), "works")
    server.stop()


def test_data_of_another_major_version_is_refused(server: EmbeddedPostgres) -> None:
    server.stop()
    (place_for(server.home).data / "PG_VERSION").write_text("14\n")
    with pytest.raises(EmbeddedPostgresError, match="PostgreSQL 14"):
        server.start()


def test_destroy_deletes_the_data(home: Path) -> None:
    server = EmbeddedPostgres(home)
    remember(server.start(), "gone")
    server.stop()
    data = place_for(home).data
    server.destroy()
    assert not data.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run it for root and for another user")
def test_root_runs_it_in_a_home_closed_to_the_user_it_runs_as(home: Path) -> None:
    home.parent.chmod(0o700)
    server = EmbeddedPostgres(home)
    server.start()
    assert Path(f"/proc/{postmaster_of(home)}").stat().st_uid != 0
    assert (home / "postgres-place").read_text().startswith("/var/lib/hitl/")
    server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="as a plain user every other test here shows it")
def test_a_plain_user_runs_it_in_a_home_of_their_own() -> None:
    binaries = system_binaries()
    if binaries is None or not os.access(sys.executable, os.X_OK):
        pytest.skip("needs programs that another user may run")
    home = Path(tempfile.mkdtemp())
    shutil.chown(home, "nobody")
    child = os.fork()  # the interpreter may lie in root's closed home, where another user could not start it
    if child == 0:
        os._exit(serve_as_nobody(home))
    _, status = os.waitpid(child, 0)
    shutil.rmtree(home)
    assert os.waitstatus_to_exitcode(status) == 0


def serve_as_nobody(home: Path) -> int:
    os.setgid(65534)
    os.setuid(65534)
    deep = home / ("d" * 60) / ("e" * 60)  # too deep for a socket, which then lies elsewhere
    server = EmbeddedPostgres(deep, binaries=system_binaries())
    try:
        remember(server.start(), "works")
        return 0 if remembered(server.url) == ["works"] and deep.joinpath("postgres", "data").exists() else 1
    finally:
        server.stop()
        server.destroy()
