"""The ONNX Runtime backend."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cornu.primitives  # noqa: F401  (registers them)
import ml_dtypes
import numpy as np
import pytest
from cornu.backend.contract import CONTRACT_VERSION, Backend, BackendError, CompileOptions, Executable
from cornu.ir.builder import Builder
from cornu.ir.dim import symbol
from cornu.ir.interpret import evaluate
from cornu.ir.passes import prepare
from cornu.ir.program import Program, Value
from cornu.ir.types import DTYPES, Shape, TensorType, numpy_dtype
from cornu_conformance.case import close, load_cases

pytest.importorskip("onnxruntime")
from cornu_onnxruntime import OnnxRuntimeBackend

CASES = load_cases()
N = symbol("n")

DEVIATIONS = {
    "ArgMax/nan": "ONNX Runtime passes over NaN",
    "ArgMin/nan": "ONNX Runtime passes over NaN",
    "MaxPool/nan": "ONNX Runtime passes over NaN",
    "MaxPool/all_minus_infinity": "ONNX Runtime starts from the lowest finite number",
    "ReduceMean/of_nothing": "0 instead of NaN",
    "Cast/to_int8": "a float outside an integer's range wraps, and NaN is the least integer",
    "Cast/to_uint8": "as int8",
    "Cast/to_int32": "as int8",
    "Cast/to_uint32": "as int8",
    "Cast/to_int64": "as int8",
}
"""Cases in which ONNX Runtime's kernels, run as they are, compute something else."""


@pytest.fixture(scope="module")
def backend() -> OnnxRuntimeBackend:
    return OnnxRuntimeBackend()


def compiled(backend: OnnxRuntimeBackend, program: Program) -> Executable:
    return backend.compile(prepare(program, backend, ""), CompileOptions())


def call(backend: OnnxRuntimeBackend, executable: Executable, *arrays: np.ndarray) -> list[np.ndarray]:
    return [backend.to_numpy(buffer) for buffer in executable([backend.from_numpy(array, "") for array in arrays])]


def program(body: Callable[..., Any], *shapes: Shape, dtype: str = "float32") -> Program:
    b = Builder("test")
    inputs = [b.input(TensorType(dtype, shape), name) for shape, name in zip(shapes, "xyzw", strict=False)]
    outputs = body(b, *inputs)
    return b.finish([outputs] if isinstance(outputs, Value) else outputs)


def floats(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# -- what it computes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", sorted(CASES))
def test_conformance_cases(backend: OnnxRuntimeBackend, op: str) -> None:
    for case in CASES[op]:
        for dtype in case.dtypes:
            executable = compiled(backend, case.program(op, dtype))
            results = call(backend, executable, *case.arrays(dtype))
            differences = [
                close(actual, expected, case.tolerance)
                for actual, expected in zip(results, case.results(dtype), strict=True)
            ]
            known = f"{op}/{case.name}" in DEVIATIONS
            assert any(differences) <= known, f"{case.name}/{dtype}: {differences}"


def test_known_deviations_are_still_there(backend: OnnxRuntimeBackend) -> None:
    for key in DEVIATIONS:
        op, name = key.split("/")
        (case,) = [case for case in CASES[op] if case.name == name]
        results = call(backend, compiled(backend, case.program(op, "float32")), *case.arrays("float32"))
        expected = case.results("float32")
        assert any(close(a, e, case.tolerance) for a, e in zip(results, expected, strict=True)), key


def test_one_executable_serves_every_size(backend: OnnxRuntimeBackend) -> None:
    def body(b: Builder, x: Value, w: Value) -> list[Value]:
        h = b.MatMul(b.Reshape(x, shape=(N, 12)), w)
        mean = b.Div(b.ReduceSum(h, axes=(0,), keepdims=False), b.Cast(b.DimValue(size=N), to="float32"))
        return [h, mean, b.Reshape(h, shape=(N * 5,))]

    p = program(body, (N, 3, 4), (12, 5))
    executable = backend.compile(prepare(p, backend, ""), CompileOptions())
    for n in (1, 7, 0, 128):
        arrays = [floats(n, 3, 4), floats(12, 5, seed=1)]
        for actual, expected in zip(call(backend, executable, *arrays), evaluate(p, arrays), strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


def test_outputs_that_are_inputs_constants_or_twice_the_same(backend: OnnxRuntimeBackend) -> None:
    def body(b: Builder, x: Value) -> list[Value]:
        y = b.Exp(x)
        return [x, y, y, b.constant(np.arange(3.0)), x]

    results = call(backend, compiled(backend, program(body, (N, 2))), floats(2, 2))
    expected = [floats(2, 2), np.exp(floats(2, 2)), np.exp(floats(2, 2)), np.arange(3.0), floats(2, 2)]
    for actual, want in zip(results, expected, strict=True):
        np.testing.assert_allclose(actual, want, rtol=1e-6)


def test_a_program_that_computes_nothing(backend: OnnxRuntimeBackend) -> None:
    executable = compiled(backend, program(lambda b, x, y: [y, x], (2,), (3,)))
    assert [array.shape for array in call(backend, executable, floats(2), floats(3))] == [(3,), (2,)]


def test_a_donated_buffer_is_not_written_to(backend: OnnxRuntimeBackend) -> None:
    """The output shifts the input, so that writing it in place would go wrong."""
    p = program(lambda b, x: b.Concat(*reversed(b.emit("Split", (x,), {"axis": 0, "sizes": (1, 7)})), axis=0), (8,))
    executable, x = compiled(backend, p), backend.from_numpy(np.arange(8, dtype=np.float32), "")
    (y,) = executable([x], frozenset({0}))
    np.testing.assert_array_equal(backend.to_numpy(y), [1, 2, 3, 4, 5, 6, 7, 0])
    np.testing.assert_array_equal(backend.to_numpy(x), np.arange(8))


def test_what_a_barrier_holds_back_is_computed_again(tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    def optimized(barrier: bool) -> list[str]:
        def body(b: Builder, x: Value) -> Value:
            y = b.Sin(b.Exp(x))
            return b.Mul(y, b.Exp(b.Barrier(x, y) if barrier else x))  # type: ignore[no-any-return]

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
        model = program(body, (N, 4)).to_onnx().SerializeToString()
        onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]

    assert optimized(barrier=False).count("Exp") == 1
    assert optimized(barrier=True).count("Exp") == 2


def test_loops_over_nothing(backend: OnnxRuntimeBackend) -> None:
    body = Builder("step")
    total, x = body.input(TensorType("float32", (2,)), "total"), body.input(TensorType("float32", (2,)), "x")
    step = body.finish([body.Add(total, x), body.Mul(total, x)])
    attributes = {"body": step, "carries": 1, "sequences": 1, "length": N, "reverse": False}
    executable = compiled(backend, program(lambda b, s, xs: list(b.emit("Scan", (s, xs), attributes)), (2,), (N, 2)))
    for n in (0, 3):
        total, products = call(backend, executable, floats(2), floats(n, 2, seed=1))
        np.testing.assert_allclose(total, floats(2) + floats(n, 2, seed=1).sum(0), rtol=1e-6)
        assert products.shape == (n, 2)


# -- buffers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(2, 3), (0, 3), ()], ids=str)
def test_buffers_hold_every_dtype(backend: OnnxRuntimeBackend, dtype: str, shape: tuple[int, ...]) -> None:
    array = np.asarray(np.random.default_rng(0).integers(0, 2, shape)).astype(numpy_dtype(dtype))
    back = backend.to_numpy(backend.from_numpy(array, ""))
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back.astype(np.float64), array.astype(np.float64))


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16])
def test_buffers_are_copies(backend: OnnxRuntimeBackend, dtype: Any) -> None:
    array = np.ones((4, 4), dtype)
    buffer = backend.from_numpy(array.T[::2], "")
    array[:] = 2
    first = backend.to_numpy(buffer)
    first[:] = 3
    np.testing.assert_array_equal(backend.to_numpy(buffer).astype(np.float32), np.ones((2, 4)))


def test_big_constants_do_not_pass_through_the_model(backend: OnnxRuntimeBackend) -> None:
    """ONNX Runtime takes one copy of them; through the model's bytes it would be three."""
    weights = floats(2000, 2000)
    p = program(lambda b, x: b.Add(x, b.constant(weights)), (2000, 2000))
    before = _resident()
    executable = backend.compile(p, CompileOptions())
    assert _resident() - before < 1.5 * weights.nbytes
    x = floats(2000, 2000, seed=1)
    np.testing.assert_array_equal(call(backend, executable, x)[0], x + weights)


# -- errors --------------------------------------------------------------------------------------------------------


def _gathering() -> Program:
    b = Builder("lookup")
    x, i = b.input(TensorType("float32", (N, 4)), "x"), b.input(TensorType("int64", (3,)), "i")
    with b.scoped("model/embedding"):
        y = b.Gather(x, i, axis=0)
    return b.finish([b.Exp(y)])


def test_a_failing_kernel_names_node_and_layer(backend: OnnxRuntimeBackend) -> None:
    executable = compiled(backend, _gathering())
    with pytest.raises(BackendError, match="out of data bounds") as caught:
        call(backend, executable, floats(2, 4), np.array([0, 1, 5]))
    assert caught.value.node == "model/embedding/Gather (Gather)"
    assert caught.value.layer == "model/embedding"
    np.testing.assert_allclose(
        call(backend, executable, floats(2, 4), np.array([1, 0, 1]))[0], np.exp(floats(2, 4)[[1, 0, 1]]), rtol=1e-6
    )


def test_a_model_that_cannot_run_names_its_node(backend: OnnxRuntimeBackend) -> None:
    p = program(lambda b, x: b.Erf(x), (3,), dtype="float64")
    with pytest.raises(BackendError, match="Erf"):
        backend.compile(p, CompileOptions())


def test_wrong_calls(backend: OnnxRuntimeBackend) -> None:
    executable = compiled(backend, program(lambda b, x, y: b.Add(x, y), (2,), (2,)))
    with pytest.raises(BackendError, match="takes 2 inputs, got 1"):
        call(backend, executable, floats(2))
    executable.close()
    with pytest.raises(BackendError, match="closed"):
        call(backend, executable, floats(2), floats(2))


# -- options -------------------------------------------------------------------------------------------------------


def test_a_provider_that_is_not_there_is_an_error_listing_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"'NoSuchProvider' is not available: .*CPUExecutionProvider.*fallback=True"):
        OnnxRuntimeBackend(providers=["NoSuchProvider", "CPUExecutionProvider"])


def test_fallback_leaves_it_out_with_a_warning() -> None:
    with pytest.warns(UserWarning, match="NoSuchProvider is not available here"):
        backend = OnnxRuntimeBackend(providers=[("NoSuchProvider", {"device_id": 1})], fallback=True)
    p = program(lambda b, x: b.Exp(x), (N,))
    np.testing.assert_allclose(call(backend, compiled(backend, p), floats(3))[0], np.exp(floats(3)), rtol=1e-6)


@pytest.mark.parametrize("level", ["disable", "basic", "extended", "layout", "all"])
def test_optimization_levels(level: str) -> None:
    backend = OnnxRuntimeBackend(optimization_level=level)
    p = program(lambda b, x: b.Mul(b.Exp(x), 2.0), (N,))
    np.testing.assert_allclose(call(backend, compiled(backend, p), floats(3))[0], 2 * np.exp(floats(3)), rtol=1e-6)


def test_wrong_options() -> None:
    with pytest.raises(ValueError, match="optimization_level is one of disable, basic"):
        OnnxRuntimeBackend(optimization_level="most")
    with pytest.raises(ValueError, match="threads is a positive number, got 0"):
        OnnxRuntimeBackend(threads=0)


def test_devices(backend: OnnxRuntimeBackend) -> None:
    assert backend.to_numpy(backend.from_numpy(floats(2), "cpu")).shape == (2,)
    with pytest.raises(ValueError, match="no device 'cuda:0'"):
        backend.from_numpy(floats(2), "cuda:0")
    with pytest.raises(ValueError, match="'cpu', 'cuda' or 'cuda:N'"):
        backend.from_numpy(floats(2), "tpu")


def test_it_fulfils_the_contract_and_tells_about_itself(backend: OnnxRuntimeBackend) -> None:
    from cornu_numpy import NumpyBackend

    assert isinstance(backend, Backend)
    assert backend.contract == CONTRACT_VERSION
    assert backend.priority > NumpyBackend.priority
    told = OnnxRuntimeBackend.describe()
    assert "CPUExecutionProvider" in told["providers"]
    assert told["devices"] == ["cpu"]


def test_support_is_closed_by_default(backend: OnnxRuntimeBackend) -> None:
    assert backend.supports("Add", ("float32", "float32"), {}, "")
    assert not backend.supports("Erf", ("float64",), {}, "")
    assert not backend.supports("NoSuchOperator", ("float32",), {}, "")
    assert not backend.supports("Where", ("bool", "bool", "bool"), {}, "")
    assert backend.supports("ScatterND", ("float16", "int64", "float16"), {"reduction": "none"}, "")
    assert not backend.supports("ScatterND", ("float16", "int64", "float16"), {"reduction": "add"}, "")


# -- threads and memory --------------------------------------------------------------------------------------------


def test_threads_may_share_an_executable(backend: OnnxRuntimeBackend) -> None:
    executable = compiled(backend, program(lambda b, x, y: b.MatMul(x, y), (N, 64), (64, 64)))
    failures: list[str] = []

    def work(seed: int) -> None:
        x, y = floats(seed + 1, 64, seed=seed), floats(64, 64, seed=seed)
        right = [np.allclose(call(backend, executable, x, y)[0], x @ y, atol=1e-4) for _ in range(50)]
        if not all(right):
            failures.append(f"wrong in thread {seed}")

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_thousand_runs_in_constant_memory(backend: OnnxRuntimeBackend) -> None:
    executable = compiled(backend, program(lambda b, x: b.Add(b.Mul(b.Exp(x), x), 1.0), (N, 1000)))
    for n in range(1, 100):
        call(backend, executable, floats(n, 1000))
    before = _resident()
    for i in range(1000):
        call(backend, executable, np.ones((1 + i % 99, 1000), np.float32))
    assert _resident() - before < 4_000_000


def _resident() -> int:
    """Bytes of this process in memory."""
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def isolated(code: str, expected_complaint: str = "nothing") -> str:
    """Runs code in a process of its own: the pool of threads belongs to the process."""
    prelude = """
        import os, warnings
        warnings.simplefilter("error")
        import numpy as np
        import cornu.primitives
        from cornu.backend.contract import CompileOptions
        from cornu.ir.builder import Builder
        from cornu.ir.dim import symbol
        from cornu.ir.types import TensorType
        from cornu_onnxruntime import OnnxRuntimeBackend

        def program(constant):
            b = Builder("p")
            x = b.input(TensorType("float32", (symbol("n"), 64)), "x")
            return b.finish([b.MatMul(b.Exp(x), b.constant(np.full((64, 64), constant, np.float32)))])

        def run(backend, constant):
            executable = backend.compile(program(constant), CompileOptions())
            executable([backend.from_numpy(np.ones((300, 64), np.float32), "")])
            return executable

        def threads():
            return len(os.listdir("/proc/self/task"))
    """
    source = textwrap.dedent(prelude) + textwrap.dedent(code)
    result = subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        check=False,
    )
    assert result.returncode == 0, result.stderr
    complaints = [line for line in result.stderr.splitlines() if expected_complaint not in line]
    assert not any(complaints), result.stderr
    return result.stdout.strip()


def test_a_hundred_sessions_share_one_pool_of_threads() -> None:
    code = """
        backend = OnnxRuntimeBackend(threads=3)
        kept = [run(backend, 0)]
        before = threads()
        kept += [run(backend, i) for i in range(1, 100)]
        print(threads() - before)
    """
    assert isolated(code) == "0"


def test_the_number_of_threads_is_fixed_once() -> None:
    code = """
        OnnxRuntimeBackend(threads=2)
        OnnxRuntimeBackend(threads=2, optimization_level="basic")
        try:
            OnnxRuntimeBackend(threads=3)
        except ValueError as error:
            print(error)
        try:
            OnnxRuntimeBackend(share_threads=False)
        except ValueError as error:
            print(error)
    """
    first, second = isolated(code).splitlines()
    assert "were set to threads=2" in first
    assert "comes too late" in second


def test_sessions_with_threads_of_their_own() -> None:
    code = """
        backend = OnnxRuntimeBackend(threads=1, share_threads=False)
        before = threads()
        kept = [run(backend, i) for i in range(5)]
        print(threads() - before)
        kept = [run(OnnxRuntimeBackend(threads=2, share_threads=False), i) for i in range(3)]
        print(threads() - before)
    """
    assert isolated(code).splitlines() == ["0", "3"]


def test_other_code_still_gets_its_sessions() -> None:
    code = """
        import onnxruntime
        model = program(1).to_onnx().SerializeToString()
        early = onnxruntime.InferenceSession(model)
        run(OnnxRuntimeBackend(), 1)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        x = np.zeros((1, 64), np.float32)
        for session in (early, onnxruntime.InferenceSession(model), onnxruntime.InferenceSession(model, options)):
            print(session.run(None, {"x": x})[0][0, 0])
    """
    # ONNX Runtime itself says so on stderr.
    assert isolated(code, "are ignored when using a global thread pool").splitlines() == ["64.0"] * 3


def test_importing_the_backend_imports_no_runtime() -> None:
    code = """
        import sys
        print([name for name in ("onnxruntime", "onnx") if name in sys.modules])
    """
    assert isolated(code) == "[]"
