"""Cornu beside Keras on its backends: training and prediction of four models, in one interleaved run.

    python benchmarks/gate.py --peer-python ../keras-env/bin/python --rounds 5 --json gate.json

Every side (Cornu on each of its backends, Keras on each of its) is a process of its own that waits while another one is
timed. A round asks every side once for every measurement, so that what else happens on the machine hits all of them
alike; the table shows minima, and medians beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import IO, Any

from models import CASES

KINDS = ("fit", "train_on_batch", "predict", "predict_on_batch")
TRAINING, PREDICTION = KINDS[:2], KINDS[2:]
Times = dict[tuple[str, str, str], list[float]]
"""Milliseconds per batch by (model, kind, side)."""


# -- a side: runs in a process of its own ----------------------------------------------------------------------------


def load(side: str) -> Any:
    """The module that stands for `keras` on a side, `cornu:NAME` or `keras:NAME`."""
    framework, backend = side.split(":")
    if framework == "keras":
        os.environ["KERAS_BACKEND"] = backend
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import keras

        return keras
    import cornu

    cornu.config.set_backend(backend)
    return cornu


def measurements(keras: Any, name: str) -> Any:
    """A function that times one kind of call of a model, in milliseconds per batch."""
    from time import perf_counter

    import numpy as np

    case = CASES[name]
    model = case.make(keras)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(0)
    x = rng.random((case.batch * case.steps, *case.shape), dtype=np.float32)
    y = rng.integers(0, 10, len(x))
    few_x, few_y = x[: case.batch], y[: case.batch]
    calls = {
        "fit": (1, lambda: model.fit(x, y, batch_size=case.batch, epochs=1, verbose=0)),
        "train_on_batch": (case.steps, lambda: model.train_on_batch(few_x, few_y)),
        "predict": (1, lambda: model.predict(x, batch_size=case.batch, verbose=0)),
        "predict_on_batch": (case.steps, lambda: np.asarray(model.predict_on_batch(few_x))),
    }

    def time(kind: str, steps: int) -> list[float]:
        times, call = calls[kind]
        if times == 1:
            begin = perf_counter()
            call()
            return [(perf_counter() - begin) / case.steps * 1e3]
        found = []
        for _ in range(steps or times):
            begin = perf_counter()
            call()
            found.append((perf_counter() - begin) * 1e3)
        return found

    for kind in KINDS:
        for _ in range(3):
            time(kind, 1)
    return time


def serve(side: str, requests: IO[str], answers: IO[str]) -> None:
    """Answers `model kind` with times until the requests end."""
    keras = load(side)
    ready: dict[str, Any] = {}
    for line in requests:
        name, kind = line.split()
        if name not in ready:
            ready[name] = measurements(keras, name)
        json.dump(ready[name](kind, 0) if kind != "warm" else [], answers)
        answers.write("\n")
        answers.flush()


# -- the comparison ------------------------------------------------------------------------------------------------


class Side:
    """A process that times one framework on one backend.

    Args:
        name: `cornu:NAME` or `keras:NAME`.
        python: The interpreter to run it with.
    """

    def __init__(self, name: str, python: str) -> None:
        self.name = name
        # Whatever a framework prints must not be taken for an answer.
        script = f"import os, sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import gate; " + (
            f"out = os.fdopen(os.dup(1), 'w'); os.dup2(2, 1); gate.serve({name!r}, sys.stdin, out)"
        )
        self._process = subprocess.Popen(
            [python, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
        )

    def time(self, model: str, kind: str) -> list[float]:
        """Milliseconds per batch, one or more.

        Raises:
            RuntimeError: If the process ended.
        """
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        requests.write(f"{model} {kind}\n")
        requests.flush()
        line = answers.readline()
        if not line:
            raise RuntimeError(f"{self.name} failed at {model} {kind}.")
        found: list[float] = json.loads(line)
        return found

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)


def compare(sides: Sequence[Side], models: Sequence[str], rounds: int) -> Times:
    """Times everything, side by side, round by round."""
    times: Times = {}
    for model in models:
        for side in sides:
            side.time(model, "warm")
        for _ in range(rounds):
            for kind in KINDS:
                for side in sides:
                    times.setdefault((model, kind, side.name), []).extend(side.time(model, kind))
    return times


def table(times: Times, models: Sequence[str], sides: Sequence[str]) -> Iterator[str]:
    """The results as lines of Markdown: `minimum (median)` in milliseconds."""
    yield "| model | call | " + " | ".join(sides) + " |"
    yield "|---|---|" + "---|" * len(sides)
    for model in models:
        for kind in KINDS:
            cells = [times[model, kind, side] for side in sides]
            yield f"| {model} | {kind} | " + " | ".join(f"{min(c):.2f} ({median(c):.2f})" for c in cells) + " |"


def ratios(times: Times, models: Sequence[str], ours: str, peers: Sequence[str]) -> list[dict[str, Any]]:
    """How many times as fast as the better peer we are, by the minimum of every kind of call and of the best call."""
    rows = []
    for model in models:
        for what, kinds, goal in (("training", TRAINING, 0.7), ("prediction", PREDICTION, 1.0)):
            best = {side: min(min(times[model, kind, side]) for kind in kinds) for side in (ours, *peers)}
            row = {"model": model, "what": what, "goal": goal}
            row["best_call"] = min(best[peer] for peer in peers) / best[ours]
            for kind in kinds:
                row[kind] = min(min(times[model, kind, peer]) for peer in peers) / min(times[model, kind, ours])
            rows.append(row)
    return rows


def verdict(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The ratios as lines of Markdown."""
    yield "| model | | loop (fit, predict) | one batch | best call of each | goal | |"
    yield "|---|---|---|---|---|---|---|"
    for row in rows:
        loop, single = (row[kind] for kind in (TRAINING if row["what"] == "training" else PREDICTION))
        reached = "reached" if row["best_call"] >= row["goal"] else "MISSED"
        yield (
            f"| {row['model']} | {row['what']} | {loop:.2f} | {single:.2f} | {row['best_call']:.2f} "
            f"| {row['goal']} | {reached} |"
        )


def main() -> int:
    """Runs the comparison; 1 where the gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", metavar="PATH", help="an interpreter that has Keras; without it, no peers")
    parser.add_argument("--peers", default="jax,tensorflow", help="Keras's backends (default: %(default)s)")
    parser.add_argument("--backends", default="onnxruntime", help="Cornu's backends; the gate is the first one's")
    parser.add_argument("--models", default=",".join(CASES), help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="where to write all times")
    options = parser.parse_args()
    models = options.models.split(",")
    ours = [f"cornu:{name}" for name in options.backends.split(",")]
    peers = [f"keras:{name}" for name in options.peers.split(",") if name] if options.peer_python else []
    sides = [Side(name, sys.executable) for name in ours] + [Side(name, options.peer_python) for name in peers]
    try:
        times = compare(sides, models, options.rounds)
    finally:
        for side in sides:
            side.close()
    print(*table(times, models, [side.name for side in sides]), sep="\n")
    rows = ratios(times, models, ours[0], peers) if peers else []
    if rows:
        print("", *verdict(rows), sep="\n")
    if options.json:
        results = [{"model": m, "kind": k, "side": s, "ms": found} for (m, k, s), found in times.items()]
        Path(options.json).write_text(json.dumps({"times": results, "ratios": rows}, indent=1))
    return int(any(row["best_call"] < row["goal"] for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
