"""Cornu beside Keras on each of its backends, in one interleaved run.

    python benchmarks/bench.py --side cornu:onnxruntime --side keras:jax=PATH/TO/PYTHON --rounds 3 --output bench

Every side is a process of its own that waits while another one is timed. A round asks every side once for every
measurement, so that what else happens on the machine hits all of them alike. Imports, first steps, memory and the time
to an accuracy are taken in fresh processes. Writes OUTPUT.json, OUTPUT.md and OUTPUT.png. `make bench` does all that.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import report
from alone import MEASURES
from side import KINDS, Side
from workloads import WORKLOADS

HERE = Path(__file__).parent
REPEATS = 3
"""How often a fresh process is asked; the median counts."""


def compare(sides: Sequence[Side], workloads: Sequence[str], rounds: int) -> list[dict[str, Any]]:
    """Times everything, side by side, round by round: milliseconds per batch, and losses."""
    results = []
    for name in workloads:
        print(name, end=" ", flush=True, file=sys.stderr)
        losses = {side.name: side.ask(name, "losses") for side in sides}
        times: dict[tuple[str, str], list[float]] = {}
        for side in sides:
            side.ask(name, "warm")
        for _ in range(rounds):
            for kind in KINDS:
                for side in sides:
                    times.setdefault((side.name, kind), []).extend(side.ask(name, kind))
        results += [{"workload": name, "side": side, "kind": kind, "ms": ms} for (side, kind), ms in times.items()]
        results += [{"workload": name, "side": side, "kind": "losses", "ms": found} for side, found in losses.items()]
    return results


def alone(sides: Sequence[tuple[str, str]], measures: Sequence[str], data: Path | None) -> list[dict[str, Any]]:
    """What is measured in fresh processes, in turns."""
    environment = {**os.environ, "CORNU_CACHE": "off", **({"BENCH_FASHION": str(data)} if data else {})}
    results: dict[tuple[str, str], list[float]] = {}
    for what in measures:
        print(what, end=" ", flush=True, file=sys.stderr)
        for _ in range(1 if what == "fashion" else REPEATS):
            for side, python in sides:
                command = [python, str(HERE / "alone.py"), side, what]
                done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
                if done.returncode == 0:
                    results.setdefault((side, what), []).append(float(done.stdout))
    return [{"side": side, "measure": what, "values": values} for (side, what), values in results.items()]


def fashion(folder: Path) -> Path | None:
    """Fashion-MNIST in a file that every side reads; None where it is not on this machine."""
    import numpy as np
    from cornu.datasets import fashion_mnist

    try:
        (x, y), (test_x, test_y) = fashion_mnist.load_data()
    except Exception as error:
        print(f"no Fashion-MNIST: {error}", file=sys.stderr)
        return None
    images = {name: (array[..., None] / 255).astype("float32") for name, array in (("x", x), ("test_x", test_x))}
    path = folder / "fashion.npz"
    np.savez(path, y=y.astype("int32"), test_y=test_y.astype("int32"), **images)
    return path


def machine() -> dict[str, Any]:
    """What it was measured on."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": sys.version.split()[0],
    }


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def versions(sides: Sequence[tuple[str, str]]) -> dict[str, str]:
    """What is installed on each side, and how large its environment is."""
    code = (
        "import sys, importlib.metadata as m; k, _, n = sys.argv[1].partition(':'); n, *more = n.split('+'); "
        "n = {'tensorflow': 'tensorflow-cpu'}.get(n, n); names = [k, n, *(f'{k}-{e}' for e in more)]; "
        "print(*(f'{name} {m.version(name)}' for name in names))"
    )
    return {
        side: subprocess.run([python, "-c", code, side], capture_output=True, text=True, check=False).stdout.strip()
        for side, python in sides
    }


def installed(python: str) -> float:
    """MiB of an environment's packages."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    place = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    return sum(path.stat().st_size for path in Path(place).rglob("*") if path.is_file()) / 2**20


def main() -> None:
    """Runs the comparison and writes the reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", action="append", required=True, help="cornu:NAME or keras:NAME, with =PYTHON")
    parser.add_argument("--workloads", default=",".join(WORKLOADS), help="(default: %(default)s)")
    parser.add_argument("--alone", default=",".join(MEASURES), help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--output", type=Path, default=Path("bench"), help="(default: %(default)s)")
    options = parser.parse_args()
    places = [(name, python or sys.executable) for name, _, python in (side.partition("=") for side in options.side)]
    sides = [Side(name, python) for name, python in places]
    try:
        times = compare(sides, [name for name in options.workloads.split(",") if name], options.rounds)
    finally:
        for side in sides:
            side.close()
    measures = [name for name in options.alone.split(",") if name]
    with tempfile.TemporaryDirectory() as folder:
        data = fashion(Path(folder)) if "fashion" in measures else None
        fresh = alone(places, measures, data)
    told = {"machine": machine(), "versions": versions(places), "times": times, "alone": fresh}
    told["installed"] = {name: installed(python) for name, python in places}
    options.output.with_suffix(".json").write_text(json.dumps(told, indent=1) + "\n")
    page = report.markdown(told)
    options.output.with_suffix(".md").write_text(page)
    report.picture(told, options.output.with_suffix(".png"))
    print(page)


if __name__ == "__main__":
    main()
