"""What models of 10 to 1,000 dense layers cost before and around the mathematics.

    python benchmarks/scale.py [--backend numpy] [--backend onnxruntime] [--layers 10,30,100,300,1000]

Prints a table of milliseconds. Every cell of a row comes from one fresh process; stages do not contain each other, save
that the first step contains those before it from the trace on.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

STAGES = {
    "trace": [("cornu.tracing.function", "Function._trace_once")],
    "differentiate": [("cornu.tracing.gradient", "backward")],
    "prepare": [("cornu.tracing.compiled", "prepare")],
    "lower": [("cornu_onnxruntime.model", "lower"), ("cornu_onnxruntime.sized", "with_sizes")],
    "compile": [("cornu_onnxruntime.backend", "OnnxRuntimeBackend._compile"), ("cornu_numpy.plan", "Plan.__init__")],
}
"""What is timed of a first step: by stage, the functions that it happens in."""

COLUMNS = ("build", *STAGES, "first step", "step", "predict", "summary", "get_weights", "save", "load")
BATCH = 32


class Stopwatch:
    """Times functions in place; what they call of each other is taken off."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._inner: list[float] = []

    def watch(self, stage: str, module: str, path: str) -> None:
        """Times a function or method from now on."""
        *owners, name = path.split(".")
        holder: Any = importlib.import_module(module)
        for owner in owners:
            holder = getattr(holder, owner)
        original = getattr(holder, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            begin = perf_counter()
            self._inner.append(0.0)
            try:
                return original(*args, **kwargs)
            finally:
                whole = perf_counter() - begin
                self.seconds[stage] += whole - self._inner.pop()
                if self._inner:
                    self._inner[-1] += whole

        setattr(holder, name, timed)


def measure(backend: str, layers: int) -> dict[str, float]:
    """Milliseconds by column."""
    import cornu as keras
    import numpy as np

    def clock(call: Callable[[], Any]) -> Any:
        begin = perf_counter()
        result = call()
        return (perf_counter() - begin) * 1e3, result

    def build() -> Any:
        dense = [keras.layers.Dense(32, activation="tanh") for _ in range(layers - 1)]
        model = keras.Sequential([keras.Input((32,)), *dense, keras.layers.Dense(10)])
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        return model

    keras.config.set_backend(backend)
    x, y = np.random.default_rng(0).random((BATCH, 32), dtype=np.float32), np.zeros(BATCH, np.int32)
    warm = keras.Sequential([keras.Input((32,)), keras.layers.Dense(10)])
    warm.compile("adam", "mse")
    warm.train_on_batch(x, np.zeros((BATCH, 10), np.float32))  # what is imported and started once is not counted

    watch = Stopwatch()
    for stage, places in STAGES.items():
        for module, path in places:
            if not module.startswith("cornu_") or module.startswith(f"cornu_{backend}."):
                watch.watch(stage, module, path)
    found = {}
    found["build"], model = clock(build)
    found["first step"], _ = clock(lambda: model.train_on_batch(x, y))
    found.update({stage: seconds * 1e3 for stage, seconds in watch.seconds.items()})
    found["step"] = median(clock(lambda: model.train_on_batch(x, y))[0] for _ in range(20))
    found["predict"], _ = clock(lambda: model.predict(x, verbose=0))
    found["summary"], _ = clock(lambda: model.summary(print_fn=lambda line: None))
    found["get_weights"], _ = clock(model.get_weights)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        found["save"], _ = clock(lambda: model.save(path))
        found["load"], _ = clock(lambda: keras.models.load_model(path))
    return found


def main() -> None:
    """Measures in fresh processes and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", action="append", help="(default: numpy and onnxruntime)")
    parser.add_argument("--layers", default="10,30,100,300,1000", help="(default: %(default)s)")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    counts = [int(count) for count in options.layers.split(",")]
    if options.one:
        print(json.dumps(measure(options.backend[0], counts[0])))
        return
    print(f"| backend | layers | {' | '.join(COLUMNS)} |")
    print(f"|---|---:|{'---:|' * len(COLUMNS)}")
    for backend in options.backend or ("numpy", "onnxruntime"):
        for count in counts:
            command = [sys.executable, __file__, "--one", "--backend", backend, "--layers", str(count)]
            told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            cells = " | ".join(_number(told[name]) for name in COLUMNS)
            print(f"| {backend} | {count:,} | {cells} |", flush=True)


def _number(value: float) -> str:
    return "" if not value else f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"


if __name__ == "__main__":
    main()
