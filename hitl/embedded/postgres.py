"""A real PostgreSQL for one machine: started, found again after any kill, and ended, by this process.

It listens on a Unix socket in a directory only its user may enter, so it needs no password.
"""

import fcntl
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg
from psycopg import sql

from hitl.embedded.binaries import (
    AlreadyRunningError,
    Binaries,
    EmbeddedPostgresError,
    find_binaries,
    reachable_for_all,
)
from hitl.embedded.place import PORT, SHELF, Place, forget_place, place_for, private_folder
from hitl.embedded.processes import POLL_S, GroupRecord, end, end_recorded_group, process_table, tie_to_parent

DATABASE = USER = "hitl"
# Fast shutdown (disconnect everyone, write a checkpoint); immediate (recover at the next start); the kernel's.
STOP_LADDER = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
_START_PATIENCE_S = 60.0  # recovery after a crash replays the log
_RETRY_S = 5.0  # backends of a killed postmaster may hold its shared memory a moment longer
_SETTINGS = {"listen_addresses": "", "unix_socket_permissions": "0700", "max_connections": "100"}
_DURABLE = {"fsync": "on"}
_THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """The server of one HITL_HOME. Not for threads: start it from the main one, whose death ends it.

    `durable=False` is for data nobody misses after a power cut: tests. `log` is where the server writes: null for
    `server.log` beside its data, or what `subprocess` takes.
    """

    name = "postgres"
    patience_s = 10.0

    def __init__(
        self,
        home: Path,
        *,
        durable: bool = True,
        binaries: Binaries | None = None,
        log: int | IO[bytes] | None = None,
    ) -> None:
        self.home = home.resolve()
        self.process: subprocess.Popen[bytes] | None = None
        self._durable = durable
        self._binaries = binaries
        self._log = log
        self._place: Place | None = None
        self._lock: IO[bytes] | None = None

    @property
    def url(self) -> str:
        """For psycopg, libpq's tools and dj-database-url alike."""
        return self._url_of(DATABASE)

    def start(self) -> str:
        """Run the server, ending first whatever an earlier launcher left; answers the URL once it takes connections.

        Raises AlreadyRunningError when another process runs it, EmbeddedPostgresError when it cannot run.
        """
        place = self._place = place_for(self.home)
        self._take_lock(place)
        try:
            self._end_leftovers(place)
            binaries = self._binaries or find_binaries()
            if place.uid is not None:
                binaries = reachable_for_all(binaries, SHELF)
            if not place.data.exists():
                self._make_data(place, binaries)
            self._check_version(place, binaries)
            self._run(place, binaries)
            self._make_database()
        except BaseException:
            self.stop()
            raise
        return self.url

    def ask_to_stop(self) -> None:
        """Begin the fast shutdown; `stop` waits for it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)

    def stop(self) -> None:
        """End the server and everything of it; nothing to do is fine."""
        if self._place is not None and self._lock is not None:
            self._end_leftovers(self._place)
        if self.process is not None:
            self.process.wait()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def destroy(self) -> None:
        """End what an earlier launcher left and delete the data. Raises AlreadyRunningError while another runs it."""
        place = self._place = place_for(self.home)
        self._take_lock(place)
        self.stop()
        forget_place(self.home)

    def _take_lock(self, place: Place) -> None:
        if self._lock is not None:
            return
        lock = (place.base / "lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise AlreadyRunningError(f"Another process runs the embedded PostgreSQL of {self.home}.") from None
        self._lock = lock

    def _end_leftovers(self, place: Place) -> None:
        """End the recorded postmaster and backends that outlived theirs; we hold the lock, so nobody else's.

        Each backend leads a group of its own, hence the second search: by working directory, where we may read it.
        A `postmaster.pid` that is left names a dead process, a zombie or a stranger, and would keep the next start.
        """
        end_recorded_group(place.base / "group", STOP_LADDER)
        end(lambda: _processes_in(place.data), STOP_LADDER)
        (place.data / "postmaster.pid").unlink(missing_ok=True)

    def _make_data(self, place: Place, binaries: Binaries) -> None:
        """Under another name first: a data directory that exists is complete."""
        draft = place.base / "data.new"
        if draft.exists():
            subprocess.run(["rm", "-rf", draft], check=True)
        private_folder(draft, place.uid, place.gid)
        command: list[str | Path] = [binaries.folder / "initdb", "-D", draft, "-U", USER]
        command += ["-A", "trust", "-E", "UTF8", "--locale=C"]
        if binaries.major >= 17:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if not self._durable:
            command.append("--no-sync")
        initdb = self._spawn(place, command, subprocess.PIPE)
        output, _ = initdb.communicate()
        if initdb.returncode:
            raise EmbeddedPostgresError(f"initdb failed:\n{output.decode(errors='replace')}")
        draft.rename(place.data)

    def _check_version(self, place: Place, binaries: Binaries) -> None:
        made_by = int((place.data / "PG_VERSION").read_text())
        if made_by != binaries.major:
            raise EmbeddedPostgresError(
                f"The data in {place.data} is of PostgreSQL {made_by}, but {binaries.folder} has {binaries.major}. "
                "Install the older one, or start afresh with `make clean`."
            )

    def _run(self, place: Place, binaries: Binaries) -> None:
        settings = _SETTINGS | (_DURABLE if self._durable else _THROWAWAY)
        command: list[str | Path] = [binaries.folder / "postgres", "-D", place.data, "-k", place.sockets]
        command += ["-p", str(PORT)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        began = time.monotonic()
        while not self._run_once(place, command):
            if time.monotonic() - began > _RETRY_S:
                raise EmbeddedPostgresError(f"PostgreSQL did not start. {self._last_words(place)}")
            time.sleep(POLL_S)

    def _run_once(self, place: Place, command: list[str | Path]) -> bool:
        """Whether it takes connections; false when it ended instead."""
        if self._log is None:
            with (place.base / "server.log").open("ab") as log:
                self.process = self._spawn(place, command, log)
        else:
            self.process = self._spawn(place, command, self._log)
        GroupRecord.of_leader(self.process.pid).save(place.base / "group")
        deadline = time.monotonic() + _START_PATIENCE_S
        while self.process.poll() is None:
            try:
                psycopg.connect(self._url_of("postgres"), connect_timeout=5).close()
                return True
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_S)
        return False

    def _spawn(self, place: Place, command: list[str | Path], output: int | IO[bytes]) -> subprocess.Popen[bytes]:
        """In a session of its own (no Ctrl-C from the terminal), in a folder nobody unmounts, as the server's user."""
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
            user=place.uid,
            group=place.gid,
            extra_groups=None if place.uid is None else [],
            umask=0o077,
            start_new_session=True,
            preexec_fn=tie_to_parent(signal.SIGINT),  # noqa: PLW1509 - it only makes two system calls
        )

    def _make_database(self) -> None:
        with psycopg.connect(self._url_of("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def _last_words(self, place: Place) -> str:
        if self._log is not None:
            return "It says why above."
        return "\n".join((place.base / "server.log").read_text(errors="replace").splitlines()[-10:])

    def _url_of(self, database: str) -> str:
        place = self._place or place_for(self.home)
        return f"postgresql://{USER}@{quote(str(place.sockets), safe='')}:{PORT}/{database}"


def _processes_in(folder: Path) -> list[int]:
    """Living processes whose working directory is `folder`, as far as we may see (a container's root may not)."""
    found = []
    for process in process_table():
        try:
            if process.alive and Path(f"/proc/{process.pid}/cwd").readlink() == folder:
                found.append(process.pid)
        except OSError:
            continue
    return found
