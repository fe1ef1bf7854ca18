"""Run every benchmark, quickly: small inputs, to see that each works and roughly what it says.

    python -m benchmarks.run [NAME...]

Figures to quote come from each script on its own, with the inputs that its own help names.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.shared.labelled_sets import DATA

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("", "quality", "speed", "peers")

SMALL = {
    "ablation": "ultrasound3 --recipe thumbnail --recipe sift",
    "aggregation": "ultrasound3 --recipe deep --recipe 'deep vlad'",
    "another_kind": "ultrasound3=wbc5 --by thumbnail --most 10",
    "archives": "--images 20 --rounds 1",
    "blend": "ultrasound3 --most 40 --splits 1 --cache build/defaults",
    "bundled_embedder": "ultrasound3 --rounds 1 --pictures 4",
    "cases": "--people 4",
    "claim": "ultrasound3 --most 40 --budgets 100 --words 64 --seeds 1 --no-ablation",
    "classify": "ultrasound3 --recipe words",
    "cluster": "--tasks 20 --workers 1 2 --many 40",
    "compare": "ultrasound3 -o build/comparison",
    "defaults": "ultrasound3 --most 20 --cache build/defaults",
    "engine": "--n 3000 --dimension 16",
    "enrichment": "wbc5 -k 20",
    "extraction": "--pictures 4 --rounds 2",
    "feedback": "wbc5",
    "find_field": "--queries 4 --by sift",
    "growth": "ultrasound3 cxr3 --most 30 --words 5000 --dense 3000 --graph 3000 --queries 20",
    "instances": "ultrasound3 --recipe 'sift, as it is' --queries 5 --change 'all of it'",
    "learnt_confidence": "ultrasound3 --by thumbnail",
    "lesions": "--recipe 'deep surround=1' --matched 1",
    "locate": "--phantoms 5",
    "low_contrast": "ultrasound3 --most 20 --seeds 1 --timed 4",
    "medmnist": "--step 20",
    "memory": "--counts 40 160 --side 64",
    "near_duplicates": "ultrasound3 --most 40",
    "overlaid_text": "ultrasound3 skin7 --most 10",
    "page_server": "--images 60 --index build/page_small.index --rounds 5",
    "points_and_structure": "ultrasound3 wbc5 --most 15 --seeds 1",
    "projection": "wbc5 --splits 1",
    "rankers": "--n 3000 --dimension 32 --queries 30",
    "regions": "cxr_regions --queries 2 --by superpixel",
    "run_peers": "ultrasound3 --most 30 --vectors 2000 --vectors-of ultrasound3 --bags 2000",
    "semantics": "cxr_notes --by superpixel --shuffles 2 --cache build/defaults",
    "slide_fields": "--most 24 --jobs 1",
    "slide_reading": "--side 1024 --tiles 16 --rounds 2",
    "sparse_search": "--bags 5000 --words 2000 --queries 5",
    "superpixels": "--side 256 --rounds 2",
    "text_cost": "--rounds 1",
    "throughput": "--pictures 8 --rounds 1 --files 16",
    "ties": "ultrasound3",
    "training": "--sets wbc5 --rows frozen softmax --seeds 1 --epochs 1 --cache build/training",
    "verification": "--speed",
    "vocabulary": "--descriptors 20000 --words 200",
}
"""Arguments that make a benchmark small; the others are small without any."""

NEED_DATA = (
    "ablation",
    "aggregation",
    "another_kind",
    "blend",
    "bundled_embedder",
    "cases",
    "claim",
    "classify",
    "compare",
    "defaults",
    "enrichment",
    "feedback",
    "find_field",
    "growth",
    "instances",
    "learnt_confidence",
    "lesions",
    "low_contrast",
    "medmnist",
    "near_duplicates",
    "overlaid_text",
    "page_server",
    "points_and_structure",
    "projection",
    "regions",
    "run_peers",
    "semantics",
    "slide_fields",
    "through",
    "ties",
    "training",
)
"""Benchmarks that measure on the labelled sets, and are left out if those are not there."""


def scripts() -> list[str]:
    """Return the names of all benchmarks."""
    return sorted(_modules().keys() - {"run"})


def _modules() -> dict[str, str]:
    """Return the modules that can be run, by their own name: ``locate`` is ``benchmarks.quality.locate``."""
    files = [file for room in ROOMS for file in (ROOT / "benchmarks" / room).glob("*.py")]
    runnable = [f for f in files if 'if __name__ == "__main__":' in f.read_text(encoding="utf-8")]
    return {f.stem: ".".join(f.relative_to(ROOT).with_suffix("").parts) for f in runnable}


def run(name: str) -> bool:
    """Run one benchmark in a process of its own and tell whether it went well."""
    command = [sys.executable, "-m", _modules()[name], *shlex.split(SMALL.get(name, ""))]
    print(f"\n== python {' '.join(command[1:])}", flush=True)
    started = time.monotonic()
    code = subprocess.run(command, cwd=ROOT).returncode
    print(f"== {name}: {'done' if code == 0 else f'failed ({code})'}, {time.monotonic() - started:.0f} s")
    return code == 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmarks that are named, or all, and return 1 if one failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(scripts()))
    names = parser.parse_args(argv).names or scripts()
    if unknown := set(names) - set(scripts()):
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; one of {', '.join(scripts())}")
    left_out = [name for name in names if name in NEED_DATA and not (DATA / "manifest.csv").is_file()]
    failed = [name for name in names if name not in left_out and not run(name)]
    if left_out:
        print(f"\nleft out, for want of {DATA}: {', '.join(left_out)}")
    print(f"\nfailed: {', '.join(failed)}" if failed else "\nall others ran" if left_out else "\nall ran")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
