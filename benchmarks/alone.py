"""What is measured in a fresh process: imports, the first step, memory, and the time to an accuracy.

    PYTHON alone.py SIDE WHAT

prints one number. SIDE is `cornu:NAME` or `keras:NAME`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

MEASURES = ("import", "first_step_mlp", "first_step_cnn", "memory_cnn", "memory_large", "fashion")


def import_time(side: str) -> float:
    """Seconds that the import takes after NumPy's."""
    import numpy  # noqa: F401
    from side import load

    begin = perf_counter()
    load(side)
    return perf_counter() - begin


def first_step(side: str, name: str) -> float:
    """Seconds from building a model to the end of its first training step."""
    import numpy as np
    from side import load
    from workloads import WORKLOADS

    keras, work = load(side), WORKLOADS[name]
    x = np.zeros((work.batch, *work.shape), np.float32)
    y = np.zeros(work.batch, np.int32)
    begin = perf_counter()
    model = work.make(keras)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    float(model.train_on_batch(x, y))
    return perf_counter() - begin


def memory(side: str, name: str) -> float:
    """MiB that training and prediction take at most, above what is resident after the import."""
    import numpy as np
    import workloads
    from side import load

    keras = load(side)
    before = _resident()
    if name == "large":
        make, shape, batch, loss = workloads.large, (2048,), 32, "mse"
        y: Any = np.zeros((batch * 4, 2048), np.float32)
    else:
        work = workloads.WORKLOADS[name]
        make, shape, batch = work.make, work.shape, work.batch
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        y = np.zeros(batch * 4, np.int32)
    model = make(keras)
    model.compile("adam", loss)
    x = np.zeros((batch * 4, *shape), np.float32)
    model.fit(x, y, batch_size=batch, epochs=3, verbose=0)
    model.predict(x, batch_size=batch, verbose=0)
    return _peak() - before


def _peak() -> float:
    """Of this program; what `getrusage` tells begins with the peak of the process that started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def fashion(side: str) -> float:
    """Seconds to 91 % test accuracy on Fashion-MNIST, compilation included; 0 where the data set is not there."""
    import numpy as np
    from side import load

    keras, data = load(side), os.environ.get("BENCH_FASHION")
    if not data:
        return 0.0
    with np.load(data) as arrays:
        x, y, test_x, test_y = (arrays[name] for name in ("x", "y", "test_x", "test_y"))
    from workloads import fashion as make

    keras.utils.set_random_seed(0)
    model = make(keras)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    begin = perf_counter()
    model.compile("adam", loss, metrics=["accuracy"])
    for _ in range(12):
        model.fit(x, y, batch_size=128, epochs=1, verbose=0)
        accuracy = float(np.mean(model.predict(test_x, batch_size=500, verbose=0).argmax(1) == test_y))
        if accuracy >= 0.91:
            return perf_counter() - begin
    return float("inf")


def measure(side: str, what: str) -> float:
    """One of `MEASURES`."""
    kind, _, name = what.partition("_")
    if what.startswith("first_step"):
        return first_step(side, {"mlp": "mlp-128"}.get(what.rpartition("_")[2], what.rpartition("_")[2]))
    if kind == "memory":
        return memory(side, name)
    return {"import": import_time, "fashion": fashion}[what](side)


if __name__ == "__main__":
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(measure(sys.argv[1], sys.argv[2]), file=answer)
