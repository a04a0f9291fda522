"""What an executable does besides computing: errors, memory, threads, sizes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cornu.backend.contract import BackendError, CompileOptions
from cornu.ir.builder import Builder
from cornu.ir.dim import symbol
from cornu.ir.program import Program
from cornu.ir.types import TensorType
from cornu_openvino import OpenVinoBackend
from cornu_openvino.executable import OpenVinoExecutable
from cornu_openvino.memory import Memory
from onnx import ModelProto
from running import BACKEND, program, run

FLAT = TensorType("float32", (6,))


def scatter() -> Program:
    b = Builder("scatter")
    data, places, updates = b.input(FLAT), b.input(TensorType("int64", (2,))), b.input(TensorType("float32", (2,)))
    with b.scoped("model/table"):
        result = b.ScatterElements(data, places, updates, axis=0, reduction="add")
    return b.finish([result])


@pytest.mark.parametrize("index", [6, -7, 10**8, -(10**8), 2**31 - 1])
def test_writing_beyond_the_ends_is_an_error(index: int) -> None:
    arrays = [np.arange(6, dtype=np.float32), np.array([0, index]), np.ones(2, np.float32)]
    with pytest.raises(BackendError, match="OpenVINO: ") as error:
        run(scatter(), arrays)
    assert (error.value.node, error.value.layer) == ("ScatterElements", "model/table")
    assert error.value.__cause__ is not None
    assert error.value.spent == frozenset()


@pytest.mark.parametrize("index", [6, -7, 10**8, -(10**8), 2**31 - 1])
def test_reading_beyond_the_ends_harms_nobody(index: int) -> None:
    made = program(lambda b, x, at: b.GatherND(x, at), FLAT, TensorType("int64", (2, 1)))
    (result,) = run(made, [np.arange(6, dtype=np.float32), np.array([[1], [index]])])
    assert result.tolist() == [1, 5 if index > 0 else 0]


def test_a_part_that_openvino_refuses() -> None:
    broken = OpenVinoBackend(properties={"NO_SUCH_PROPERTY": 1})
    with pytest.raises(BackendError, match="NO_SUCH_PROPERTY"):
        run(program(lambda b, x: b.Exp(x), FLAT), [np.ones(6, np.float32)], broken)


def test_options() -> None:
    assert run(program(lambda b, x: b.Neg(x), FLAT), [np.ones(6, "f4")], OpenVinoBackend(threads=1))[0].sum() == -6
    for threads in (0, "two"):
        with pytest.raises(ValueError, match="positive number"):
            OpenVinoBackend(threads=threads)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no device 'GPU:9' here; it has CPU"):
        BACKEND.from_numpy(np.ones(1), "GPU:9")


def test_sizes_are_kept_and_then_forgotten() -> None:
    made = program(lambda b, x: b.Mul(x, 2.0), TensorType("float32", (symbol("n"),)))
    executable = BACKEND.compile(made, CompileOptions())
    assert isinstance(executable, OpenVinoExecutable)
    for count in range(1, 21):
        (buffer,) = executable([BACKEND.from_numpy(np.ones(count, np.float32), "")])
        assert BACKEND.to_numpy(buffer).tolist() == [2] * count
    assert len(executable._plans) == 16
    executable.close()
    with pytest.raises(BackendError, match="closed"):
        executable([BACKEND.from_numpy(np.ones(1, np.float32), "")])


def test_outputs_that_are_inputs_or_come_twice() -> None:
    made = program(lambda b, x: [x, x, n := b.Neg(x), n, b.Identity(x)], FLAT)
    given = BACKEND.from_numpy(np.arange(6, dtype=np.float32), "")
    outputs = BACKEND.compile(made, CompileOptions())([given])
    computed = [buffer for buffer in outputs if buffer is not given]
    assert [buffer.array[1] for buffer in outputs] == [1, 1, -1, -1, 1]
    arrays = [buffer.array for buffer in computed]
    assert not any(np.shares_memory(x, y) for i, x in enumerate(arrays) for y in arrays[:i])


@pytest.mark.parametrize("writeable", [True, False])
def test_large_constants_are_not_copied(writeable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = np.ones((3000, 3000), np.float32)
    weights.flags.writeable = writeable
    sizes: list[int] = []

    def watched(part: Program) -> ModelProto:
        proto = to_onnx(part)
        sizes.append(proto.ByteSize())
        return proto

    to_onnx = Program.to_onnx
    monkeypatch.setattr(Program, "to_onnx", watched)
    made = program(lambda b, x: b.Add(x, b.constant(weights)), TensorType("float32", (3000, 1)))
    (result,) = run(made, [np.ones((3000, 1), np.float32)])
    assert result.min() == result.max() == 2
    assert sizes[0] < 10_000


def test_memory_comes_back() -> None:
    memory = Memory()
    array = memory.empty((300, 300), np.dtype(np.float32))
    address, part = array.ctypes.data, array[5:, 3]
    del array
    other = memory.empty((300, 300), np.dtype(np.float32))
    assert other.ctypes.data != address  # a view holds it
    del part
    assert memory.empty((90_000,), np.dtype(np.float32)).ctypes.data == address


THREADS = """
import os, numpy as np
from cornu.backend.contract import CompileOptions
from cornu.ir.builder import Builder
from cornu.ir.types import TensorType
import cornu.primitives
from cornu_openvino import OpenVinoBackend
backend, kept = OpenVinoBackend(), []
def threads(): return len(os.listdir("/proc/self/task"))
for i in range(40):
    b = Builder("p")
    made = b.finish([b.Mul(b.input(TensorType("float32", (64,))), float(i))])
    kept.append(backend.compile(made, CompileOptions()))
    kept[-1]([backend.from_numpy(np.ones(64, np.float32), "")])
    if i == 0: before = threads()
print(threads() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads in /proc")
def test_executables_have_no_threads_of_their_own() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, env=environment, check=True)
    assert int(done.stdout) == 0
