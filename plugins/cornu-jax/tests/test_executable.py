"""What executables do beyond the contract: memory, caches, padding, errors."""

from __future__ import annotations

import gc
import resource
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from cornu.backend.contract import BackendError
from cornu.ir.dim import symbol
from cornu.ir.types import TensorType
from cornu_jax.compilation import compile_program
from cornu_jax.folding import fold_padding
from jax_programs import N, compiled, f32, on_both, program, ramp


def resident() -> int:
    """The bytes that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_donation_gives_its_memory_to_an_output() -> None:
    made = program(lambda b, w, g: [b.Sub(w, b.Mul(g, 0.5)), b.ReduceSum(g, axes=(0,), keepdims=False)], f32(N), f32(N))
    backend, executable = compiled(made)
    zero, g = (backend.from_numpy(ramp(5000) * factor, "") for factor in (0, 1))
    w, _ = executable([g, zero])  # memory of XLA's: what comes from NumPy may lie in NumPy's
    place = w.unsafe_buffer_pointer()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # JAX warns of donated buffers that are of no use
        new, _ = executable([w, g], frozenset({0, 1}))
    assert w.is_deleted()
    assert new.unsafe_buffer_pointer() == place
    np.testing.assert_array_equal(backend.to_numpy(new), ramp(5000) / 2)


def test_outputs_have_memory_of_their_own() -> None:
    large = np.ones(5000, np.float32)
    made = program(lambda b, x: [x, x, b.Reshape(x, shape=(N, 1)), b.constant(large), b.constant(large)], f32(N))
    backend, executable = compiled(made)
    x = backend.from_numpy(ramp(5000), "")
    places = [buffer.unsafe_buffer_pointer() for buffer in (x, *executable([x]))]
    assert len(set(places)) == len(places)
    assert large.ctypes.data not in places


def test_the_cache_is_bounded() -> None:
    backend, executable = compiled(program(lambda b, x: b.Mul(x, 2.0), f32(N)), cache_size=2)
    for size in (1, 2, 3, 1, 2, 4):
        (y,) = executable([backend.from_numpy(ramp(size), "")])
        np.testing.assert_array_equal(backend.to_numpy(y), ramp(size) * 2)
        assert len(executable._cache) <= 2
    executable.close()
    assert not len(executable._cache)


def test_threads_that_meet_one_size_compile_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = counted(monkeypatch)
    backend, executable = compiled(program(lambda b, x: b.Mul(b.Exp(x), 2.25), f32(N)))
    buffers = [backend.from_numpy(ramp(size), "") for size in (3, 4)]
    threads = [threading.Thread(target=executable, args=([buffers[i % 2]],)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 2


def test_a_program_with_other_weights_is_not_compiled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made = counted(monkeypatch)
    for factor in (1, 2, 1):
        weights, order = ramp(4, 3) * factor, np.array([2, 0, 1])

        def make(b, x, weights=weights, order=order):  # type: ignore[no-untyped-def]
            return b.Gather(b.MatMul(x, b.constant(weights)), b.constant(order), axis=1)

        backend, executable = compiled(program(make, f32(N, 4)))
        for rows in (2, 5):
            (y,) = executable([backend.from_numpy(ramp(rows, 4), "")])
            np.testing.assert_allclose(backend.to_numpy(y), (ramp(rows, 4) @ weights)[:, order], rtol=1e-5)
        executable.close()
    assert len(made) == 2


def counted(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """A list that gets an entry for each compilation."""
    made: list[object] = []
    compile = compile_program

    def counting(*arguments: object) -> object:
        made.append(arguments)
        return compile(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("cornu_jax.executable.compile_program", counting)
    return made


def test_compiling_leaves_nothing_behind() -> None:
    backend, executable = compiled(program(lambda b, x: b.Mul(b.Exp(x), 2.0), f32(N)), cache_size=2)

    def meet(first: int) -> None:
        for size in range(first, first + 60):
            executable([backend.from_numpy(ramp(size), "")])
        gc.collect()

    meet(1)
    before = resident()
    for first in (100, 200, 300):
        meet(first)
    assert resident() - before < 40 * 2**20


def test_large_constants_are_not_written_into_the_executable() -> None:
    weights = ramp(300, 200)

    def make(b, x):  # type: ignore[no-untyped-def]
        return b.MatMul(x, b.constant(weights))

    backend, executable = compiled(program(make, f32(N, 300)))
    (y,) = executable([backend.from_numpy(ramp(2, 300), "")])
    np.testing.assert_allclose(backend.to_numpy(y), ramp(2, 300) @ weights, rtol=1e-4, atol=1e-4)
    (found,) = executable._cache._found.values()
    assert len(found.call.as_text()) < 20_000  # type: ignore[attr-defined]


def test_a_barrier_holds_apart() -> None:
    """What is computed again after a barrier is not what was computed before it, so that it need not be kept."""

    def make(b, x):  # type: ignore[no-untyped-def]
        def deep(x):  # type: ignore[no-untyped-def]
            steps = [x]
            for _ in range(6):
                steps.append(b.Tanh(b.MatMul(steps[-1], b.Transpose(x, perm=(1, 0)))))
            return steps

        first = deep(x)
        (again,) = b.emit("Barrier", (x, first[-1]), {})
        total = first[-1]
        for step in reversed(deep(again)):
            total = b.MatMul(total, step)
        return total

    made = program(make, f32(300, 300))
    backend, executable = compiled(made)
    executable([backend.from_numpy(ramp(300, 300) / 1000, "")])
    (found,) = executable._cache._found.values()
    assert found.call.as_text().count("/MatMul/") >= 18  # type: ignore[attr-defined]
    for ours, reference in on_both(made, [ramp(300, 300) / 1000]):
        np.testing.assert_allclose(ours, reference, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "bfloat16", "float64"])
@pytest.mark.parametrize("awaited", ["bool", "int64", "bfloat16", "float32"])
def test_a_barrier_changes_no_bit(dtype: str, awaited: str) -> None:
    made = program(
        lambda b, x, y: b.emit("Barrier", (x, y), {}), TensorType(dtype, (N,)), TensorType(awaited, (symbol("m"),))
    )
    from cornu.ir.types import numpy_dtype

    x = np.array([-3, 0, 1, 120], np.float64).astype(numpy_dtype(dtype))
    for waiting in (np.array([-1.0, 2.0]), np.zeros(0)):
        for ours, reference in on_both(made, [x, waiting.astype(numpy_dtype(awaited))]):
            assert ours.tobytes() == reference.tobytes()


def convolved(b, x, w):  # type: ignore[no-untyped-def]
    """A convolution that pads, its gradient by the weights, and a transposed one that is cropped."""
    plain = {"strides": (2, 1), "dilations": (1, 2), "group": 1}
    padded = b.Pad(x, before=(0, 0, 1, 2), after=(0, 0, 0, 3), value=0.0, mode="constant")
    y = b.Conv(padded, w, **plain)
    back = b.ConvTranspose(y, w, output_padding=(1, 0), **plain)
    height, width = b.resolve_type(back.type).shape[2:]
    crop = {"axes": (2, 3), "steps": (1, 1)}
    part = b.Slice(back, starts=(1, 2), ends=(height - 1, width - 3), **crop)
    return [y, part, back] if b.name == "kept" else [y, part]


@pytest.mark.parametrize("size", [N, 7])
def test_convolutions_pad_and_crop(size: object) -> None:
    made = program(convolved, f32(2, 3, size, 9), f32(4, 3, 3, 2))
    operations = [node.op for node in fold_padding(made).nodes]
    assert "Slice" not in operations
    assert [node.attributes["around"] for node in fold_padding(made).nodes if node.op == "Conv"] == [((1, 0), (2, 3))]
    for ours, reference in on_both(made, [ramp(2, 3, 7, 9), ramp(4, 3, 3, 2)]):
        np.testing.assert_allclose(ours, reference, rtol=1e-5, atol=1e-5)


def test_what_is_read_elsewhere_is_not_folded() -> None:
    def make(b, x, w):  # type: ignore[no-untyped-def]
        plain = {"strides": (1,), "dilations": (1,), "group": 1}
        ones = b.Pad(x, before=(0, 0, 1), after=(0, 0, 1), value=1.0, mode="constant")
        edge = b.Pad(x, before=(0, 0, 1), after=(0, 0, 1), value=0.0, mode="edge")
        wide = b.Pad(x, before=(1, 0, 1), after=(0, 0, 1), value=0.0, mode="constant")
        back = b.ConvTranspose(x, w, output_padding=(0,), **plain)
        part = b.Slice(back, starts=(1,), ends=(4,), axes=(2,), steps=(1,))
        skipping = b.Slice(
            b.ConvTranspose(wide, w, output_padding=(0,), **plain), starts=(0,), ends=(4,), axes=(2,), steps=(2,)
        )
        return [*(b.Conv(padded, w, **plain) for padded in (ones, edge, wide)), part, back, skipping]

    made = program(make, f32(N, 2, 6), f32(2, 2, 3))
    assert [node.op for node in fold_padding(made).nodes] == [node.op for node in made.nodes]
    assert not any("around" in node.attributes for node in fold_padding(made).nodes)
    for ours, reference in on_both(made, [ramp(2, 2, 6), ramp(2, 2, 3)]):
        np.testing.assert_allclose(ours, reference, rtol=1e-5, atol=1e-5)


GROUPS = [(1, 1, 1), (2, 2, 2), (2, 2, 4), (1, 4, 2), (2, 4, 4), (4, 4, 4), (4, 4, 8)]


@pytest.mark.parametrize(("group", "channels", "outputs"), GROUPS)
@pytest.mark.parametrize("kernel", [(1, 1), (3, 2), (9, 9)])
def test_every_way_to_convolve(group: int, channels: int, outputs: int, kernel: tuple[int, int]) -> None:
    """Small and large windows, groups, and channels by themselves; gradients, too."""
    import cornu as keras
    from cornu.tracing.gradient import GradientTape

    x, w = ramp(2, 12, 13, channels), ramp(*kernel, channels // group, outputs)
    results = []
    for name in ("jax", "numpy"):
        with keras.use_backend(name):
            weights = keras.Variable(w)
            images = keras.Variable(x)
            with GradientTape() as tape:
                y = keras.ops.conv(images, weights, strides=(2, 1), padding="same")
                loss = keras.ops.sum(y * y)
            results.append([np.asarray(value) for value in (y, *tape.gradient(loss, [images, weights]))])
    for ours, reference in zip(*results, strict=True):
        np.testing.assert_allclose(ours, reference, rtol=1e-4, atol=1e-4 * np.abs(reference).max())


def test_a_failure_names_node_and_layer() -> None:
    made = program(
        lambda b, x, at: b.Gather(x, at, axis=0), f32(N, 2), TensorType("int64", (symbol("m"),)), layer="model/lookup"
    )
    backend, executable = compiled(made)
    buffers = [backend.from_numpy(array, "") for array in (np.zeros((0, 2), np.float32), np.zeros(1, np.int64))]
    with pytest.raises(BackendError, match="no element to read") as caught:
        executable(buffers, frozenset({0, 1}))
    assert (caught.value.node, caught.value.layer) == ("Gather", "model/lookup")
    assert caught.value.spent == frozenset()  # it failed when it was compiled


def test_what_does_not_fit_is_told() -> None:
    backend, executable = compiled(program(lambda b, x, y: b.Add(x, y), f32(N, 2), f32(N, 2)))
    x, wrong, double = (backend.from_numpy(array, "") for array in (ramp(3, 2), ramp(4, 2), np.zeros((3, 2))))
    with pytest.raises(ValueError, match="takes 2 inputs, got 1"):
        executable([x])
    with pytest.raises(ValueError, match="axis 0"):
        executable([x, wrong])
    with pytest.raises(ValueError, match="float64"):
        executable([x, double])
    (y,) = executable([x, x])
    np.testing.assert_array_equal(backend.to_numpy(y), ramp(3, 2) * 2)
