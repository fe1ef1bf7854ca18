"""A real Orthanc for tests, in a network of its own: it binds all addresses, whatever its settings say."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from support.network_lock import changing

USER, PASSWORD = "reader", "of images"
_PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_PROGRAMS = {"Orthanc": "orthanc", "storescu": "dcmtk", "dciodvfy": "dicom3tools", "ip": "iproute2"}


def lacking() -> str:
    """Name what an archive cannot be tested without, and how to get it; empty if all is here."""
    from importlib.util import find_spec

    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    missing += [] if _PLUGIN.exists() else ["orthanc-dicomweb"]
    if missing:
        return f"{', '.join(missing)} (Debian: apt-get install {' '.join(missing)})"
    modules = [name for name in ("requests", "pynetdicom", "highdicom") if find_spec(name) is None]
    if modules:
        return f"{modules[0]} (pip install 'semblance[pacs]')"
    return "" if os.geteuid() == 0 else "the rights to make a network namespace (run as root)"


@dataclass
class Orthanc:
    """An Orthanc that runs.

    Attributes
    ----------
    host : its address in its own network; ``here`` is that of this machine, seen from there.
    """

    folder: Path
    name: str
    host: str
    here: str
    settings: dict = field(default_factory=dict)
    process: subprocess.Popen | None = None

    @property
    def dicomweb(self) -> str:
        """The address for ``semblance index``."""
        return f"dicomweb:http://{self.host}:8042/dicom-web"

    def rest(self, path, data=None, method=None):
        """Ask its REST interface, and return the answer."""
        import requests

        method = method or ("GET" if data is None else "POST")
        url = f"http://{self.host}:8042/{path}"
        answer = requests.request(method, url, data=data, auth=(USER, PASSWORD), timeout=60)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def store(self, folder: Path) -> None:
        """Store all files of a folder."""
        for path in sorted(Path(folder).rglob("*.dcm")):
            self.rest("instances", path.read_bytes())

    def settle(self) -> None:
        """Wait until each series was stable, as its log of changes says."""
        for _ in range(200):
            if not any(not self.rest(f"series/{id}")["IsStable"] for id in self.rest("series")):
                return
            time.sleep(0.1)
        raise RuntimeError("a series does not become stable")

    def empty(self) -> None:
        """Delete all patients."""
        for id in self.rest("patients"):
            self.rest(f"patients/{id}", method="DELETE")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {
            "StorageDirectory": str(self.folder / "files"),
            "IndexDirectory": str(self.folder / "files"),
            "Plugins": [str(_PLUGIN)],
            "RemoteAccessAllowed": True,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "DicomAlwaysAllowStore": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True,
            "DicomAlwaysAllowFind": True,
            "DicomCheckCalledAet": False,
            "DicomModalities": {"here": ["SEMBLANCE", self.here, 11112]},
            "OverwriteInstances": True,
            "StableAge": 1,
            "SynchronousCMove": True,
            **self.settings,
        }
        (self.folder / "orthanc.json").write_text(json.dumps(settings))
        with (self.folder / "orthanc.log").open("a") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.name, "Orthanc", str(self.folder / "orthanc.json")],
                stdout=log,
                stderr=log,
            )
        for _ in range(600):
            with contextlib.suppress(Exception):
                self.rest("system")
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError((self.folder / "orthanc.log").read_text()[-2000:])

    def stop(self) -> None:
        """Kill it: to stop it gently takes seconds."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()


@contextlib.contextmanager
def running(folder: Path, **settings) -> Iterator[Orthanc]:
    """Run an Orthanc whose files are in a folder."""
    # One network a process of tests: several may run beside each other.
    number = os.getpid()
    name, link = f"semblance-{number}", f"sb{number}"[:14]
    network = f"10.{213 + (number >> 14 & 7)}.{number >> 6 & 255}.{(number & 63) * 4}"
    first, _, last = network.rpartition(".")
    here, host = f"{first}.{int(last) + 1}", f"{first}.{int(last) + 2}"
    _ip(f"netns add {name}")
    try:
        with changing():
            _ip(f"link add {link} type veth peer name eth0 netns {name}")
            # It would give itself another address a second later.
            with contextlib.suppress(OSError):
                Path(f"/proc/sys/net/ipv6/conf/{link}/disable_ipv6").write_text("1")
            _ip(f"addr add {here}/30 dev {link}")
            _ip(f"link set {link} up")
            _ip(f"-n {name} addr add {host}/30 dev eth0")
            _ip(f"-n {name} link set eth0 up")
            _ip(f"-n {name} link set lo up")
        (folder / "files").mkdir(exist_ok=True)
        orthanc = Orthanc(folder, name, host, here, settings)
        orthanc.start()
        try:
            yield orthanc
        finally:
            orthanc.stop()
    finally:
        with changing():
            _ip(f"netns del {name}")


def _ip(words: str) -> None:
    done = subprocess.run(["ip", *words.split()], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip {words}: {done.stderr.strip()}")
