"""The class: devices, options, errors."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from cornu.backend.contract import BackendError, CompileOptions
from cornu.backend.manager import get_backend
from cornu.ir.builder import Builder
from cornu.ir.types import TensorType
from cornu_torch import TorchBackend
from torch_programs import BACKEND, program_of


def test_it_is_installed() -> None:
    assert isinstance(get_backend("torch"), TorchBackend)
    told = TorchBackend.describe()
    assert told["version"] == torch.__version__ or told["version"].startswith(torch.__version__.split("+")[0])
    assert told["devices"][0] == "cpu"


def test_its_import_is_light() -> None:
    code = "import sys, cornu_torch; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("device", ["tpu", "cpu:1", "cuda:", "cuda:01", "cuda:99", "CPU", "cuda:-1", "meta"])
def test_unknown_devices(device: str) -> None:
    assert not BACKEND.supports("Add", ("float32", "float32"), {}, device)
    with pytest.raises(ValueError, match="There is no device"):
        BACKEND.from_numpy(np.zeros(1, np.float32), device)
    with pytest.raises(ValueError, match="There is no device"):
        BACKEND.compile(program_of(lambda b, x: b.Exp(x), np.zeros(1, np.float32)), CompileOptions(device))


def test_other_dtypes() -> None:
    with pytest.raises(TypeError, match="complex64"):
        BACKEND.from_numpy(np.zeros(1, np.complex64), "")


def lookup(scope: str) -> tuple[Builder, list[object]]:
    b = Builder("lookup")
    table, places = b.input(TensorType("float32", (3, 2))), b.input(TensorType("int64", (2,)))
    with b.scoped(scope):
        rows = b.Gather(table, places, axis=0)
    return b, [rows]


def test_errors_name_node_and_layer() -> None:
    b, outputs = lookup("model/embedding")
    executable = BACKEND.compile(b.finish(outputs), CompileOptions())
    table, places = np.zeros((3, 2), np.float32), np.array([0, 99])
    with pytest.raises(BackendError, match="index out of range") as caught:
        executable([BACKEND.from_numpy(table, ""), BACKEND.from_numpy(places, "")])
    assert (caught.value.node, caught.value.layer) == ("Gather", "model/embedding")
    assert caught.value.__cause__ is not None


def test_errors_in_a_body_name_the_layers_around_it() -> None:
    step, outputs = lookup("cell")
    body = step.finish(outputs)
    b = Builder("outer")
    table, places = b.input(TensorType("float32", (3, 2))), b.input(TensorType("int64", (4, 2)))
    attributes = {"body": step_of(body), "carries": 1, "sequences": 1, "length": 4, "reverse": False}
    with b.scoped("model/rnn"):
        results = b.emit("Scan", (table, places), attributes)
    executable = BACKEND.compile(b.finish(results), CompileOptions())
    with pytest.raises(BackendError) as caught:
        executable([BACKEND.from_numpy(np.zeros((3, 2), np.float32), ""), BACKEND.from_numpy(np.full((4, 2), 7), "")])
    assert (caught.value.node, caught.value.layer) == ("Gather", "model/rnn/cell")


def step_of(body: object) -> object:
    """A Scan's body: the table is carried, and looked up in."""
    b = Builder("step")
    table, places = b.input(TensorType("float32", (3, 2))), b.input(TensorType("int64", (2,)))
    return b.finish([table, *b.inline(body, [table, places])])  # type: ignore[arg-type]


def test_autograd_is_not_involved() -> None:
    program = program_of(lambda b, x: b.Exp(x), np.zeros(2, np.float32))
    weights = torch.ones(2, requires_grad=True)
    (output,) = BACKEND.compile(program, CompileOptions())([weights])
    assert not output.requires_grad
    np.testing.assert_allclose(BACKEND.to_numpy(output), np.e, rtol=1e-6)


def test_memory_is_kept_unless_somebody_else_sees_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from cornu_torch.memory import keep_freed_memory

    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "100000")
    assert not keep_freed_memory()
