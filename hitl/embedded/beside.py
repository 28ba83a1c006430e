"""Run a management command beside a running `make run`: `python -m hitl.embedded.beside load_demo_mail`.

It gets the same HITL_HOME, PORT, secret key and database; the embedded database must be running.
"""

import os
import socket
import sys

from hitl.embedded.home import CHECKOUT, Home
from hitl.embedded.postgres import EmbeddedPostgres


def main() -> None:
    """Replace this process by `manage.py` with the arguments given."""
    home = Home.from_environment()
    port = int(os.environ.get("PORT") or "8000")
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        sys.exit(f"Nothing answers at http://127.0.0.1:{port}: start `make run`, with the same PORT and HITL_HOME.")
    environment = home.environment(port)
    environment.setdefault("DATABASE_URL", EmbeddedPostgres(home.path).url)
    os.execve(sys.executable, [sys.executable, str(CHECKOUT / "manage.py"), *sys.argv[1:]], environment)


if __name__ == "__main__":
    main()
