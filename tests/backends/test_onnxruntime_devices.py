"""Providers and devices of the ONNX Runtime backend, as far as a machine without a GPU shows them.

A runtime that pretends to have CUDA stands in for a GPU: its sessions run on the CPU, its device is the host's memory.
What it is asked for is what is tested. `test_cuda.py` has the same on a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cornu as keras
import cornu_onnxruntime.backend as module
import numpy as np
import onnxruntime
import pytest
from cornu.backend.contract import CompileOptions
from cornu.backend.manager import register_backend, unregister_backend
from cornu.ir.builder import Builder
from cornu.ir.dim import symbol
from cornu.ir.passes import prepare
from cornu.ir.program import Program
from cornu.ir.types import TensorType
from cornu_onnxruntime import OnnxRuntimeBackend, model
from cornu_onnxruntime.buffers import make_device
from cornu_onnxruntime.lowering.probe import block_size
from cornu_onnxruntime.providers import Provider, providers_on

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
X = np.arange(6, dtype=np.float32).reshape(2, 3)


class Pretended:
    """What was asked of a runtime that pretends to have CUDA."""

    def __init__(self) -> None:
        self.starts = True
        self.preloads = 0
        self.sessions: list[list[Any]] = []
        self.kept_there: list[bool] = []
        self.devices: list[tuple[str, int]] = []

    def preload(self) -> None:
        self.preloads += 1
        print("Failed to load libcudart.so")


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    OnnxRuntimeBackend()  # it puts sessions on the shared threads by changing the real class, once
    real, told = onnxruntime.InferenceSession, Pretended()

    class Inner:
        """The session proper: it tells whether results were asked to stay on a device."""

        def __init__(self, session: Any) -> None:
            self._session = session

        def run_with_ort_values(self, *args: Any) -> Any:
            told.kept_there.append(False)
            return self._session.run_with_ort_values(*args)

        def run_with_ortvaluevector(self, *args: Any) -> Any:
            told.kept_there.append(True)
            return self._session.run_with_ortvaluevector(*args)

    block_size()  # asks a session once in a process; not the pretended ones

    class Session:
        def __init__(self, model: bytes, settings: Any, providers: list[Any], **options: Any) -> None:
            told.sessions.append(providers)
            self._sess = Inner(real(model, settings, providers=[CPU], **options)._sess)

        def get_providers(self) -> list[str]:
            names = [entry if isinstance(entry, str) else entry[0] for entry in told.sessions[-1]]
            return names if told.starts else [CPU]

    def device(native: Any, kind: str, number: int) -> Any:
        told.devices.append((kind, number))
        return make_device(native, "cpu", 0)

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [TENSORRT, CUDA, CPU])
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(module, "make_device", device)
    monkeypatch.setattr(onnxruntime, "preload_dlls", told.preload, raising=False)
    return told


def program(body: Callable[[Builder, Any], Any]) -> Program:
    b = Builder("test")
    return b.finish([body(b, b.input(TensorType("float32", (symbol("n"), 3)), "x"))])


def run(backend: OnnxRuntimeBackend, device: str) -> None:
    """Runs a program and checks its result."""
    prepared = prepare(program(lambda b, x: b.Exp(x)), backend, device)
    (result,) = backend.compile(prepared, CompileOptions(device))([backend.from_numpy(X, device)])
    np.testing.assert_allclose(backend.to_numpy(result), np.exp(X), rtol=1e-6)


# -- without CUDA --------------------------------------------------------------------------------------------------


@pytest.mark.skipif(CUDA in onnxruntime.get_available_providers(), reason="this ONNX Runtime has CUDA")
@pytest.mark.parametrize("options", [{}, {"providers": [CPU]}])
def test_a_device_that_no_installed_provider_uses(options: dict[str, Any]) -> None:
    backend = OnnxRuntimeBackend(**options)
    installed = ", ".join(onnxruntime.get_available_providers())
    for device in ("cuda", "cuda:1"):
        with pytest.raises(ValueError, match=f"no device '{device}' with CPUEx.*has {installed}; onnxruntime-gpu"):
            backend.from_numpy(X, device)
    with (
        keras.use_backend("onnxruntime", device="cuda", **options),
        pytest.raises(ValueError, match=rf"no device 'cuda' .*{installed}"),
    ):
        keras.ops.ones((2,))
    with pytest.raises(ValueError, match=f"'{CUDA}' is not available: this ONNX Runtime has {installed}"):
        OnnxRuntimeBackend(providers=[CUDA])


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cuda:-1", "cpu:a"])
def test_what_is_no_device(device: str) -> None:
    with pytest.raises(ValueError, match=f"'cpu', 'cuda' or 'cuda:N', got '{device}'"):
        OnnxRuntimeBackend().from_numpy(X, device)


# -- with a pretended one ------------------------------------------------------------------------------------------


def test_the_device_chooses_the_provider(pretended: Pretended, capsys: pytest.CaptureFixture[str]) -> None:
    backend = OnnxRuntimeBackend()
    run(backend, "")
    run(backend, "cpu")
    assert pretended.sessions == [[CPU]] * 2
    assert pretended.kept_there == [False] * 2
    assert pretended.preloads == 0
    del pretended.sessions[:], pretended.devices[:]
    run(backend, "cuda")
    run(backend, "cuda:2")
    on = [[(CUDA, {"device_id": number}), CPU] for number in (0, 2)]
    assert pretended.sessions == [on[0], on[0], on[1], on[1]]  # the first of each shows that it starts
    assert pretended.devices == [("cuda", 0), ("cuda", 2)]
    assert pretended.kept_there == [False, False, True, True]
    assert pretended.preloads == 2
    assert capsys.readouterr().out == ""


def test_options_of_providers_are_passed_on(pretended: Pretended) -> None:
    asked: list[Provider] = [
        (TENSORRT, {"trt_fp16_enable": True}),
        (CUDA, {"device_id": 1, "cudnn_conv_algo_search": "HEURISTIC"}),
    ]
    backend = OnnxRuntimeBackend(providers=asked, optimization_level="basic")
    run(backend, "")
    both = [
        (TENSORRT, {"trt_fp16_enable": True, "device_id": 0}),
        (CUDA, {"device_id": 0, "cudnn_conv_algo_search": "HEURISTIC"}),
        CPU,
    ]
    assert pretended.sessions[0] == [*asked, CPU]
    assert pretended.sessions[-1] == both
    run(backend, "cpu")
    assert pretended.sessions[-1] == [CPU]


def test_the_first_provider_says_where_tensors_lie(pretended: Pretended) -> None:
    run(OnnxRuntimeBackend(providers=[(CUDA, {"device_id": 3})]), "")
    assert pretended.devices[-1] == ("cuda", 3)
    assert pretended.sessions[-1] == [(CUDA, {"device_id": 3}), CPU]
    run(OnnxRuntimeBackend(providers=[CPU]), "")
    assert pretended.devices[-1] == ("cpu", 0)


def test_named_providers_are_all_there_is(pretended: Pretended) -> None:
    backend = OnnxRuntimeBackend(providers=[CPU])
    with pytest.raises(ValueError, match=rf"no device 'cuda' with {CPU}\. .*name one, as in providers=\['{CUDA}'\]"):
        backend.from_numpy(X, "cuda")


def test_a_provider_that_cannot_start_is_no_silent_cpu(pretended: Pretended) -> None:
    pretended.starts = False
    with pytest.raises(ValueError, match=f"'{CUDA}' cannot start here.*libraries.*fallback=True"):
        OnnxRuntimeBackend(providers=[CUDA])
    with pytest.raises(ValueError, match=f"no device 'cuda:0': The provider '{CUDA}' cannot start here"):
        OnnxRuntimeBackend().from_numpy(X, "cuda:0")
    with pytest.warns(UserWarning, match=f"'{CUDA}' cannot start here"):
        backend = OnnxRuntimeBackend(providers=[CUDA], fallback=True)
    run(backend, "")
    assert pretended.sessions[-1] == [CPU]
    with pytest.raises(ValueError, match="no device 'cuda'"):
        backend.from_numpy(X, "cuda")


@pytest.mark.usefixtures("passes_on")
def test_fast_forms_are_the_cpus(pretended: Pretended, monkeypatch: pytest.MonkeyPatch) -> None:
    lowered: list[Program] = []

    def lower(program: Program, kernels: Any = None) -> Program:
        lowered.append(program)
        return program

    monkeypatch.setattr(model, "lower", lower)
    monkeypatch.setattr(module, "claims", lambda op, dtypes, attributes: True)
    for backend in (OnnxRuntimeBackend(), OnnxRuntimeBackend(providers=[CUDA])):
        for device in ("cpu", "cuda"):
            del lowered[:]
            run(backend, device)
            assert bool(lowered) == (device == "cpu")
            assert backend.supports("NoSuchOperator", ("float32",), {}, device) == (device == "cpu")


@pytest.fixture
def registered(pretended: Pretended) -> Iterator[str]:
    """A name of its own: the instance that pretends must not be anybody else's."""
    register_backend("pretended", type("PretendedBackend", (OnnxRuntimeBackend,), {}))
    yield "pretended"
    unregister_backend("pretended")


def test_training_keeps_its_state_there(pretended: Pretended, registered: str) -> None:
    def losses(device: str) -> list[float]:
        with keras.use_backend(registered, device=device):
            keras.utils.set_random_seed(0)
            hidden, last = keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)
            model = keras.Sequential([keras.Input((3,)), hidden, last])
            model.compile("adam", "mse")
            return [float(loss) for loss in model.fit(X, X[:, :1], epochs=3, verbose=0).history["loss"]]

    expected = losses("cpu")
    assert not any(pretended.kept_there)
    del pretended.kept_there[:], pretended.devices[:]
    assert losses("cuda") == pytest.approx(expected, rel=1e-6)
    assert len(pretended.kept_there) >= 3
    assert all(pretended.kept_there)
    assert set(pretended.devices) == {("cuda", 0)}


def test_providers_on_a_device() -> None:
    chosen = [(CUDA, {"device_id": 1}), ("OtherExecutionProvider", {"a": 2}), (CPU, {})]
    assert providers_on("cuda:4", chosen, True, [CUDA, CPU])[0] == (CUDA, {"device_id": 4})
    assert providers_on("cuda:4", chosen, True, [CUDA, CPU])[1:] == chosen[1:]
    assert providers_on("cpu", chosen, True, [CUDA, CPU]) == chosen[1:]
    assert chosen[0] == (CUDA, {"device_id": 1})
