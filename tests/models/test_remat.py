"""Rematerialisation saves memory: measured as the peak of a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import re, sys
import numpy as np
import cornu as keras
from cornu import ops

backend, wrap = sys.argv[1], keras.remat if sys.argv[2] == "remat" else lambda f: f
keras.config.set_backend(backend)

def block(x):
    for _ in range(6):
        x = ops.sin(x) * 1.1
    return x

def loss(x):
    for _ in range(8):
        x = wrap(block)(x)
    return ops.sum(x)

def peak():  # of this process alone: what getrusage tells starts from the parent's
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

gradient = keras.function(keras.grad(loss))
gradient(np.ones(10, "float32"))
before = peak()
result = np.asarray(gradient(np.full(1_000_000, 0.3, "float32")))
print(peak() - before, result[0])
"""


def run(backend: str, how: str) -> tuple[int, float]:
    output = subprocess.run(
        [sys.executable, "-c", SCRIPT, backend, how], capture_output=True, text=True, check=True
    ).stdout.split()
    return int(output[0]), float(output[1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")
@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_peak_memory_is_less_than_half(backend: str) -> None:
    plain, value = run(backend, "plain")
    saved, again = run(backend, "remat")
    assert again == pytest.approx(value, rel=1e-4)
    assert saved < 0.5 * plain, f"{saved} kB with rematerialisation, {plain} kB without"
