"""What every test may count on: no mail and no request leaves this machine, and a project of one's own."""

import ipaddress
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def _refuse_outside(address):
    """Raise for every address that is neither a path nor on this machine."""
    if not isinstance(address, tuple):
        return
    host = address[0]
    host = host.decode() if isinstance(host, bytes) else host
    try:
        inside = ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        inside = host in ("", "localhost")
    if not inside:
        raise PermissionError(f"a test tried to reach {host}: tests stay on this machine")


@pytest.fixture(scope="session", autouse=True)
def no_outside_network() -> Iterator[None]:
    """Refuse every connection and every datagram to another machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name, where in (("connect", 0), ("connect_ex", 0), ("sendto", -1)):
            real = getattr(socket.socket, name)

            def guarded(self, *arguments, _real=real, _where=where):
                _refuse_outside(arguments[_where])
                return _real(self, *arguments)

            patch.setattr(socket.socket, name, guarded)
        yield


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return the root of a fresh copy of the example project, free to be changed."""
    root = tmp_path / "project"
    root.mkdir()
    shutil.copy2(ROOT / "funnel.toml", root)
    for folder in ("content", "templates", "assets"):
        shutil.copytree(ROOT / folder, root / folder)
    return root
