"""What this machine has that torch uses and numpy does not, found without importing torch."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

_GPUS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")
"""Devices of the drivers of NVIDIA, of AMD, and of either in Windows' Linux."""
_CPU = Path("/proc/cpuinfo")
_BFLOAT16 = ("avx512_bf16", "amx_bf16")
"""Processors that compute in bfloat16."""


def quickens_torch(precision: str) -> bool:
    """Return whether torch has a GPU here, or a processor of 16 bits where these may be used."""
    if any(Path(device).exists() for device in _GPUS) and _is_built_for_gpus():
        return True
    return precision != "float32" and _has_bfloat16()


def _is_built_for_gpus() -> bool:
    """Return whether the torch that is installed is a build for CUDA or ROCm, as its own file says."""
    found = find_spec("torch")
    if found is None or found.origin is None:
        return False
    about = Path(found.origin).with_name("version.py")
    return about.is_file() and bool(re.search(r"^(cuda|hip)\b[^=]*= *['\"]", about.read_text("utf-8"), re.M))


def _has_bfloat16() -> bool:
    # What limits oneDNN, which computes torch's convolutions, may leave bfloat16 out.
    if os.environ.get("ONEDNN_MAX_CPU_ISA"):
        return False
    try:
        lines = _CPU.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.lower().startswith("flags")), "")
    return any(flag in flags.split() for flag in _BFLOAT16)
