"""TLS before a Postgres that has none, as the wheel's: answers SSLRequest, relays the rest. With its own authority."""

import asyncio
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo.server import HOST, write_private

_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
_GSS_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x30"


@dataclass(frozen=True)
class Authority:
    """A certificate authority below `folder`: `ca.pem`, and a server's `server.pem` with its key."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def server(self) -> Path:
        return self.folder / "server.pem"


def authority(folder: Path, host: str = HOST) -> Authority:
    """A new one, with a certificate for `host` (a name or an address)."""
    folder.mkdir(parents=True, exist_ok=True)
    new = Authority(folder)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"demo authority {new.folder.name}")])
    try:
        name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        name = x509.DNSName(host)
    ca = _builder(ca_name, ca_name, ca_key).add_extension(x509.BasicConstraints(True, None), critical=True)
    leaf = _builder(x509.Name([]), ca_name, key).add_extension(x509.SubjectAlternativeName([name]), critical=True)
    pem = serialization.Encoding.PEM
    new.certificate.write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(pem))
    plain = serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    write_private(new.server, (leaf.sign(ca_key, hashes.SHA256()).public_bytes(pem) + private).decode())
    return new


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=30))


@dataclass
class Front:
    """`port` speaks TLS; `encrypted` and `plain` count the connections that asked for it, and that did not."""

    backend: int
    context: ssl.SSLContext
    port: int = 0
    encrypted: int = 0
    plain: int = 0
    _ready: threading.Event = field(default_factory=threading.Event)

    async def serve(self, stop: asyncio.Event) -> None:
        server = await asyncio.start_server(self._connected, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await stop.wait()
        server.close()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError):
            while (head := await reader.readexactly(8)) == _GSS_REQUEST:
                writer.write(b"N")
            if head == _SSL_REQUEST:
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(self.context)
                self.encrypted += 1
                head = b""
            else:
                self.plain += 1
            there_reader, there_writer = await asyncio.open_connection(HOST, self.backend)
            there_writer.write(head)
            await asyncio.gather(_relay(reader, there_writer), _relay(there_reader, writer))
        writer.close()


async def _relay(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()
    target.close()


@contextmanager
def in_front_of(port: int, authority: Authority) -> Iterator[Front]:
    """A server that speaks TLS with the authority's certificate, before the one at `port`, until the block ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server)
    front = Front(port, context)
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(front.serve(stop),), daemon=True)
    thread.start()
    front._ready.wait(10)
    try:
        yield front
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)
