"""One side of the comparison: a framework on one of its backends, in a process that answers requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import IO, Any

KINDS = ("fit", "train_on_batch", "predict", "predict_on_batch", "predict_one")
PREDICTS_ONLY = ("keras:numpy",)
"""Sides without training: what they are asked of it has no answer."""

LOSSES = 20
"""Training steps after which losses are compared."""


class Side:
    """A process that times one framework on one backend.

    Args:
        name: `cornu:NAME` or `keras:NAME`.
        python: The interpreter to run it with.
    """

    def __init__(self, name: str, python: str) -> None:
        self.name = name
        self.python = python
        # Whatever a framework prints must not be taken for an answer.
        script = f"import os, sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import side; " + (
            f"out = os.fdopen(os.dup(1), 'w'); os.dup2(2, 1); side.serve({name!r}, sys.stdin, out)"
        )
        self._process = subprocess.Popen(
            [python, "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ},
        )

    def ask(self, workload: str, kind: str) -> list[float]:
        """Milliseconds per batch, or losses; none where the side cannot do it.

        Raises:
            RuntimeError: If the process ended.
        """
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None
        assert answers is not None
        requests.write(f"{workload} {kind}\n")
        requests.flush()
        line = answers.readline()
        if not line:
            raise RuntimeError(f"{self.name} failed at {workload} {kind}.")
        found: list[float] = json.loads(line)
        return found

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


# -- inside the process --------------------------------------------------------------------------------------------


def load(name: str) -> Any:
    """The module that stands for `keras` on a side: `cornu:NAME`, `cornu:NAME+EXTENSION` or `keras:NAME`."""
    framework, _, backend = name.partition("+")[0].partition(":")
    if framework == "keras":
        os.environ["KERAS_BACKEND"] = backend
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import keras

        return keras
    import cornu

    cornu.config.set_backend(backend)
    return cornu


def serve(name: str, requests: IO[str], answers: IO[str]) -> None:
    """Answers `workload kind` with numbers until the requests end."""
    keras = load(name)
    kinds = [kind for kind in KINDS if name not in PREDICTS_ONLY or kind.startswith("predict")]
    ready: dict[str, Timed] = {}
    for line in requests:
        workload, kind = line.split()
        if kind == "losses":
            found = losses(keras, workload) if "fit" in kinds else []
        else:
            if workload not in ready:
                ready.clear()
                ready[workload] = Timed(keras, workload, kinds)
            found = ready[workload].time(kind)
        json.dump(found, answers)
        answers.write("\n")
        answers.flush()


class Timed:
    """A model with data, ready to be timed: everything is compiled.

    Args:
        keras: The module.
        name: A name of `WORKLOADS`.
        kinds: Those of `KINDS` that it is asked for.
    """

    def __init__(self, keras: Any, name: str, kinds: Sequence[str]) -> None:
        import numpy as np
        from workloads import WORKLOADS

        self.load = WORKLOADS[name]
        model = self.load.make(keras)
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        rng = np.random.default_rng(0)
        x = rng.random((self.load.batch * self.load.steps, *self.load.shape), dtype=np.float32)
        y = rng.integers(0, 10, len(x))
        few_x, few_y, batch = x[: self.load.batch], y[: self.load.batch], self.load.batch
        self._calls = {
            "fit": lambda: model.fit(x, y, batch_size=batch, epochs=1, verbose=0),
            "train_on_batch": lambda: model.train_on_batch(few_x, few_y),
            "predict": lambda: model.predict(x, batch_size=batch, verbose=0),
            "predict_on_batch": lambda: np.asarray(model.predict_on_batch(few_x)),
            "predict_one": lambda: model.predict(x[:1], verbose=0),
        }
        self._kinds = kinds
        for kind in kinds:
            for _ in range(3):
                self._calls[kind]()

    def time(self, kind: str) -> list[float]:
        """Milliseconds per batch; of `predict_one` per call."""
        if kind not in self._kinds:  # "warm" among them
            return []
        whole = kind in ("fit", "predict")
        found = []
        for _ in range(1 if whole else min(self.load.steps, 30)):
            begin = perf_counter()
            self._calls[kind]()
            found.append((perf_counter() - begin) / (self.load.steps if whole else 1) * 1e3)
        return found


def losses(keras: Any, name: str) -> list[float]:
    """The losses of the first steps from weights and batches that are the same on all sides."""
    import numpy as np
    from workloads import WORKLOADS

    load = WORKLOADS[name]
    model = load.make(keras)
    rng = np.random.default_rng(1)
    model.set_weights([_start(rng, np.asarray(array)) for array in model.get_weights()])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = rng.random((load.batch, *load.shape), dtype=np.float32)
    y = rng.integers(0, 10, len(x))
    return [float(model.train_on_batch(x, y)) for _ in range(LOSSES)]


def _start(rng: Any, array: Any) -> Any:
    if array.ndim < 2:
        return array  # biases, scales, statistics, seeds
    fan_in = array.size / array.shape[-1]
    return (rng.standard_normal(array.shape) / fan_in**0.5).astype(array.dtype)


if __name__ == "__main__":
    sys.exit("Run bench.py.")
