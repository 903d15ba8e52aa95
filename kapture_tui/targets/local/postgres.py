"""Postgres for a local stack: which server there is, how it is started, and a server that is there already."""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from kapture_tui.model.errors import UsageError
from kapture_tui.targets.local.ready import PortAnswers
from kapture_tui.targets.local.server import Launch
from kapture_tui.targets.local.state import ELSEWHERE
from kapture_tui.workload.sinks.postgres_schema import SCHEMA
from kapture_tui.workload.sinks.urls import without_password

REMEDY = "install PostgreSQL (Debian: apt install postgresql), or give --postgres-url"

PLACES = (
    "/usr/lib/postgresql/*/bin",  # Debian
    "/usr/pgsql-*/bin",  # the PostgreSQL project's RPMs
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
"""Where packages put the server's programs beside the PATH."""

USER, DATABASE = "kapture", "postgres"

ACCOUNT = "postgres"
"""The account that packages make for the server, which refuses to run as root."""

INIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Programs:
    """Where `initdb` and `postgres` are."""

    folder: Path

    def describe(self) -> str:
        """Name, version and place: "PostgreSQL 17.2, /usr/lib/postgresql/17/bin"."""
        return f"PostgreSQL {self.version() or '(unknown version)'}, {self.folder}"

    def version(self) -> str | None:
        """As the program says; None if it says nothing that can be understood."""
        try:
            said = subprocess.run(
                [self.folder / "postgres", "--version"], capture_output=True, text=True, timeout=5, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        found = re.search(r"\d+(\.\d+)*", said.stdout)
        return found.group() if found else None


def find_programs() -> Programs | None:
    """Those on the PATH, else the newest ones a package has installed, else None."""
    return next(
        (Programs(f) for f in _folders() if all((f / n).exists() for n in ("initdb", "postgres"))), None
    )


def _folders() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).parent
    for place in PLACES:
        root, pattern = Path(place).anchor, str(Path(place).relative_to(Path(place).anchor))
        yield from sorted(Path(root).glob(pattern), key=_major, reverse=True)


def _major(folder: Path) -> float:
    numbers = re.findall(r"\d+(?:\.\d+)?", str(folder))
    return float(numbers[-1]) if numbers else 0.0


def account() -> str | None:
    """Whom the server runs as; None: as we do. Raises UsageError: we are root, and there is nobody else."""
    if os.geteuid() != 0:
        return None
    remedy = "start kapture-tui as somebody else, or give --postgres-url"
    try:
        pwd.getpwnam(ACCOUNT)
    except KeyError:
        raise UsageError(
            "postgres", f"it refuses to run as root, and there is no account {ACCOUNT!r}", remedy
        ) from None
    if not shutil.which("setpriv"):
        raise UsageError("postgres", "it refuses to run as root, and there is no setpriv", remedy)
    return ACCOUNT


def _as(name: str | None, command: tuple[str, ...]) -> tuple[str, ...]:
    if name is None:
        return command
    return ("setpriv", f"--reuid={name}", f"--regid={pwd.getpwnam(name).pw_gid}", "--clear-groups", *command)


def home(folder: Path) -> Path:
    """Where data and password lie: in `folder`, or where the server's account can get at them.

    A state directory is open to its owner alone, and so may be the folders above it. The server of another account has
    a folder of its own elsewhere; a link leads there, by which it is removed with the state directory.
    """
    name = account()
    if name is None:
        return folder
    link = folder / ELSEWHERE
    if not link.is_symlink():
        made = Path(tempfile.mkdtemp(prefix="kapture-postgres-", dir="/tmp"))
        shutil.chown(made, name)
        link.symlink_to(made)
    return link.readlink()


def password(folder: Path) -> str:
    """Of the server's one user: whoever else has an account here must not get in. Made at the first call."""
    kept = _password_file(folder)
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_urlsafe(18))
        if name := account():
            shutil.chown(kept, name)
    return kept.read_text()


def _password_file(folder: Path) -> Path:
    return home(folder) / "password"


def init_command(programs: Programs, folder: Path) -> tuple[str, ...]:
    """How an empty database is made."""
    return (
        str(programs.folder / "initdb"),
        f"--pgdata={home(folder) / 'data'}",
        f"--username={USER}",
        f"--pwfile={_password_file(folder)}",
        *("--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"),
    )


def command(programs: Programs, port: int, folder: Path) -> tuple[str, ...]:
    """How the server is started: on loopback only.

    Without fsync on purpose: what was written is with the kernel, so a SIGKILL loses nothing. What that leaves
    unprotected is the machine's power, which ends the run anyway.
    """
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "fsync": "off",
        "full_page_writes": "off",
        "max_wal_size": "256MB",
        "update_process_title": "off",
    }
    settings = (word for name, value in options.items() for word in ("-c", f"{name}={value}"))
    return (str(programs.folder / "postgres"), "-D", str(home(folder) / "data"), *settings)


def answers(port: int) -> PortAnswers:
    """Ready when it asks for a password: while it recovers, it answers with an error."""
    words = f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
    version = (3 << 16).to_bytes(4, "big")  # of the protocol: 3.0
    return PortAnswers(port, (8 + len(words)).to_bytes(4, "big") + version + words, b"R")


def url(port: int, folder: Path) -> str:
    """The URL of our own server."""
    return f"postgresql://{USER}:{quote(password(folder), safe='')}@127.0.0.1:{port}/{DATABASE}"


def check_there(address: str) -> str:
    """Ask the Postgres at a URL what it is; "PostgreSQL 17.2 at …" or the like. Blocks, for seconds at most.

    Raises: UsageError: it is not there, is no Postgres, wants another password, or holds what another run wrote.
    """
    import psycopg

    from kapture_tui.workload.sinks.postgres_statistics import ANSWER_S, connect, first_line

    shown = without_password(address)
    doing = f"Postgres at {shown}"
    question = (
        "SELECT current_setting('server_version'), to_regnamespace(%s) IS NOT NULL,"
        " has_database_privilege(current_database(), 'CREATE')"
    )
    try:
        with connect(address, "kapture-tui", ANSWER_S) as connection:
            answer = connection.execute(question, (SCHEMA,)).fetchone()
    except psycopg.Error as exc:
        cause = first_line(exc, address)
        raise UsageError(doing, cause, "start it, correct --postgres-url, or leave it out") from None
    assert answer is not None
    version, occupied, may_create = answer
    if occupied:
        remedy = f"name another database, or DROP SCHEMA {SCHEMA} CASCADE there"
        raise UsageError(doing, f"its schema {SCHEMA} holds what another run wrote", remedy)
    if not may_create:
        raise UsageError(doing, "the user may not create a schema there", "GRANT CREATE ON DATABASE to it")
    return f"PostgreSQL {str(version).split()[0]} at {shown}"


def clear(address: str) -> None:
    """Remove what the stack wrote to a Postgres that is not ours. Blocks. Raises psycopg.Error."""
    from kapture_tui.workload.sinks.postgres_statistics import connect

    with connect(address, "kapture-tui") as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())


class PostgresServer:
    """See `Server`."""

    def describe(self) -> str:
        """See `Server`."""
        name = account()
        described = _found("postgres").describe()
        return f"{described}, as user {name}" if name else described

    def check(self, url: str) -> str:
        """See `Server`."""
        return check_there(url)

    def launch(self, port: int, folder: Path) -> Launch:
        """See `Server`."""
        programs, name = _found("starting postgres"), account()
        password(folder)
        return Launch(
            _as(name, command(programs, port, folder)),
            answers(port),
            before=_as(name, init_command(programs, folder)),
            start_s=INIT_S,
        )

    def url(self, port: int, folder: Path) -> str:
        """See `Server`."""
        return url(port, folder)

    def clear(self, url: str) -> None:
        """See `Server`."""
        clear(url)


def _found(doing: str) -> Programs:
    programs = find_programs()
    if programs is None:
        raise UsageError(doing, "no server", REMEDY)
    return programs
