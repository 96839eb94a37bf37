"""Machines of a network without Docker: Linux namespaces, each with an address, a host name and users of its own."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from demo.server import die_with_parent

_NETWORK = "198.18.77"  # set aside for benchmarks (RFC 2544): nobody's, and the bridge leads nowhere
_PROGRAMS = ("ip", "nsenter", "setpriv", "unshare")
# Whoever dies takes along what runs in it.
_HOLD = ["unshare", "--net", "--mount", "--uts", "--pid", "--mount-proc", "--fork", "--kill-child", "--"]


class CannotBeMadeError(Exception):
    """This machine does not let us; the message says what is missing."""


@dataclass
class Machine:
    """`pid`: of the process that holds its namespaces."""

    name: str
    address: str
    pid: int

    def start(self, user: str, folder: Path, command: Sequence[str], log: Path, **more: str) -> "subprocess.Popen[str]":
        """The command in `folder`, as `UID:GID`, which need not exist, and which may read and write everything."""
        uid, gid = user.split(":")
        can = [f"--{which}-caps=+dac_override" for which in ("inh", "ambient")]
        owner = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *can, "env", f"--chdir={folder}"]
        entered = ["nsenter", f"--target={self.pid}", "--net", "--mount", "--uts", "--pid", "--"]
        with log.open("w") as output:
            return subprocess.Popen(
                [*entered, *owner, *command], env=os.environ | more, stdout=output, stderr=output, text=True
            )


@contextmanager
def network(names: Sequence[str], folder: Path) -> Iterator[dict[str, Machine]]:
    """Machines by name, which find each other by it; all that runs on them ends with the block, or with us."""
    if os.geteuid() != 0:
        raise CannotBeMadeError("namespaces need root")
    if missing := [program for program in _PROGRAMS if not shutil.which(program)]:
        raise CannotBeMadeError(f"there is no {' and no '.join(missing)}")
    addresses = {name: f"{_NETWORK}.{number}" for number, name in enumerate(names, start=11)}
    holders: list[subprocess.Popen[str]] = []
    try:
        bridge = _hold(holders, "true")
        _ip(bridge, "link add br0 type bridge", "link set br0 up")
        yield {name: _machine(holders, bridge, name, addresses, folder) for name in names}
    finally:
        for holder in holders:
            holder.kill()
            holder.wait()


def _machine(
    holders: "list[subprocess.Popen[str]]", bridge: int, name: str, addresses: Mapping[str, str], folder: Path
) -> Machine:
    hosts, passwd = folder / f"{name}.hosts", folder / f"{name}.passwd"
    hosts.write_text("127.0.0.1 localhost\n" + "".join(f"{address} {one}\n" for one, address in addresses.items()))
    passwd.write_text("root:x:0:0:root:/root:/bin/bash\n")
    passwd.chmod(0o664)  # as the images have it
    pid = _hold(holders, f"hostname {name}; mount --bind {hosts} /etc/hosts; mount --bind {passwd} /etc/passwd")
    _ip(bridge, f"link add {name} type veth peer name eth0 netns {pid}", f"link set {name} master br0 up")
    _ip(pid, f"addr add {addresses[name]}/24 dev eth0", "link set eth0 up", "link set lo up")
    return Machine(name, addresses[name], pid)


def _hold(holders: "list[subprocess.Popen[str]]", prepare: str) -> int:
    """Namespaces that last until their holder is killed; the process id in them that is 1 for those inside."""
    holder = subprocess.Popen(
        [*_HOLD, "bash", "-ec", f"{prepare}; echo ready; exec sleep infinity"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=partial(die_with_parent, signal.SIGKILL),
    )
    holders.append(holder)
    assert holder.stdout
    if holder.stdout.readline() != "ready\n":
        raise CannotBeMadeError(holder.communicate()[1].strip())
    return int(Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text())


def _ip(pid: int, *commands: str) -> None:
    for command in commands:
        there = ["nsenter", f"--target={pid}", "--net", "--"]  # its network alone: process ids are ours
        done = subprocess.run([*there, "ip", *command.split()], capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotBeMadeError(f"ip {command}: {done.stderr.strip()}")
