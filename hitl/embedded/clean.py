"""`make clean`: delete what `make run` and the tests keep, with the database, wherever that lies."""

import shutil
import sys

from hitl.embedded.binaries import AlreadyRunningError
from hitl.embedded.home import Home, HomeInUseError
from hitl.embedded.postgres import EmbeddedPostgres
from hitl.embedded.services import end_leftovers

# By name: HITL_HOME may be a directory that holds other things too.
_OURS = (
    "broker",
    "run",
    "secret-key*",
    "celerybeat-schedule*",
    "demo-credentials.json",
    "test-pg*",
    "migrated",
    "lock",
)


def clean(home: Home) -> None:
    """Delete the database and all else of this home; raises HomeInUseError or AlreadyRunningError while in use."""
    home.lock()
    end_leftovers(home.records)
    for database in (home.path, *home.path.glob("test-pg*")):
        EmbeddedPostgres(database).destroy()
    for path in [path for pattern in _OURS for path in home.path.glob(pattern)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if not any(home.path.iterdir()):
        home.path.rmdir()


def main() -> int:
    try:
        clean(Home.from_environment())
    except (HomeInUseError, AlreadyRunningError) as error:
        sys.stderr.write(f"{error} Stop it first.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
