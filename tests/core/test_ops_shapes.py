"""Operations with symbolic sizes, on KerasTensors and variables; convolutions and pooling at every size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from cornu import KerasTensor, Variable, function, ops, use_backend
from cornu.ir.dim import Dim, symbol
from cornu.ir.types import TensorType
from cornu.ops.operation import find_operation
from cornu.tracing.tensor import TracedTensor
from cornu.tracing.trace import Trace, recording

R = np.random.RandomState(0)


@pytest.fixture(params=["numpy", "onnxruntime"], autouse=True)
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    with use_backend(request.param):
        yield


def array(x: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(x))


def draw(*shape: int) -> np.ndarray:
    return R.randn(*shape).astype(np.float32)


# -- one program for all sizes -------------------------------------------------------------------------------------


def window_reference(x: np.ndarray, size: int, stride: int, padding: str, reduce: Callable[..., Any]) -> np.ndarray:
    """Pooling of [n, h, w, c], window by window."""
    n, h, w, c = x.shape
    if padding == "same":
        counts = -(-h // stride), -(-w // stride)
        pads = [max((k - 1) * stride + size - s, 0) for k, s in zip(counts, (h, w), strict=True)]
    else:
        counts, pads = ((h - size) // stride + 1, (w - size) // stride + 1), [0, 0]
    result = np.zeros((n, *counts, c), x.dtype)
    for i in range(counts[0]):
        for k in range(counts[1]):
            top, left = i * stride - pads[0] // 2, k * stride - pads[1] // 2
            part = x[:, max(top, 0) : top + size, max(left, 0) : left + size]
            result[:, i, k] = reduce(part, axis=(1, 2))
    return result


def conv_reference(x: np.ndarray, kernel: np.ndarray, stride: int, padding: str) -> np.ndarray:
    """A convolution of [n, h, w, c], window by window."""
    size = kernel.shape[0]
    n, h, w, _ = x.shape
    total = [max((-(-s // stride) - 1) * stride + size - s, 0) if padding == "same" else 0 for s in (h, w)]
    x = np.pad(x, [(0, 0), *((t // 2, t - t // 2) for t in total), (0, 0)])
    counts = [(s - size) // stride + 1 for s in x.shape[1:3]]
    result = np.zeros((n, *counts, kernel.shape[-1]))
    for i in range(counts[0]):
        for k in range(counts[1]):
            part = x[:, i * stride : i * stride + size, k * stride : k * stride + size]
            result[:, i, k] = np.tensordot(part, kernel, 3)
    return result


SIZES = [(2, 16, 16), (3, 20, 17), (1, 21, 21), (5, 7, 8)]


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_one_program_convolves_images_of_all_sizes(padding: str, stride: int) -> None:
    kernel = draw(3, 3, 2, 4)

    @function
    def run(x: Any) -> Any:
        return (
            ops.conv(x, kernel, strides=stride, padding=padding),
            ops.max_pool(x, 3, strides=stride, padding=padding),
            ops.average_pool(x, 2, strides=stride, padding=padding),
        )

    run(draw(4, 12, 13, 2))
    run(draw(6, 11, 14, 2))
    before = run.trace_count
    for shape in SIZES:
        x = draw(*shape, 2)
        convolved, largest, mean = map(array, run(x))
        np.testing.assert_allclose(convolved, conv_reference(x, kernel, stride, padding), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(largest, window_reference(x, 3, stride, padding, np.max))
        np.testing.assert_allclose(mean, window_reference(x, 2, stride, padding, np.mean), rtol=1e-5, atol=1e-6)
    assert run.trace_count <= before + 1  # a batch of one is a kind of its own


SYMBOLIC: dict[str, tuple[Callable[[Any], Any], Callable[[np.ndarray], Any]]] = {
    "reshape": (lambda x: ops.reshape(x, (-1, 2)), lambda x: x.reshape(-1, 2)),
    "reshape by shape": (
        lambda x: ops.reshape(x, (ops.shape(x)[0] * 2, ops.shape(x)[1] * 2, -1)),
        lambda x: x.reshape(2 * len(x), x.shape[1] * 2, -1),
    ),
    "slices": (lambda x: x[1:, :-1, ::-1], lambda x: x[1:, :-1, ::-1]),
    "neighbours": (lambda x: x[1:] - x[:-1], lambda x: x[1:] - x[:-1]),
    "last": (lambda x: x[:, -1], lambda x: x[:, -1]),
    "broadcast": (lambda x: ops.broadcast_to(x[0], ops.shape(x)), lambda x: np.broadcast_to(x[0], x.shape)),
    "zeros": (lambda x: ops.zeros(ops.shape(x)[:2]), lambda x: np.zeros(x.shape[:2])),
    "arange": (lambda x: ops.arange(ops.shape(x)[0] * 2), lambda x: np.arange(2 * len(x))),
    "eye": (lambda x: ops.eye(ops.shape(x)[1]), lambda x: np.eye(x.shape[1])),
    "mean": (lambda x: ops.mean(x, axis=(0, 1)), lambda x: x.mean((0, 1))),
    "size": (lambda x: x * ops.shape(x)[0], lambda x: x * len(x)),
    "concatenate": (lambda x: ops.concatenate([x, x, x[:1]], axis=0), lambda x: np.concatenate([x, x, x[:1]])),
    "flip": (lambda x: ops.flip(x, axis=0), lambda x: x[::-1]),
    "roll": (lambda x: ops.roll(x, 1, axis=1), lambda x: np.roll(x, 1, axis=1)),
    "sort": (lambda x: ops.sort(x, axis=0), lambda x: np.sort(x, axis=0)),
    "repeat": (lambda x: ops.repeat(x, 2, axis=0), lambda x: np.repeat(x, 2, axis=0)),
    "tile": (lambda x: ops.tile(x, (1, 2, 1)), lambda x: np.tile(x, (1, 2, 1))),
    "pad": (lambda x: ops.pad(x, ((0, 0), (1, 2), (0, 0))), lambda x: np.pad(x, ((0, 0), (1, 2), (0, 0)))),
    "split": (lambda x: ops.split(x, [1], axis=1)[1], lambda x: x[:, 1:]),
    "diagonal": (lambda x: ops.diagonal(x, 0, 1, 2), lambda x: np.diagonal(x, 0, 1, 2)),
    "take": (lambda x: ops.take(x, [1, 0, -1], axis=0), lambda x: x[[1, 0, -1]]),
    "one_hot": (lambda x: ops.one_hot(ops.argmax(x, axis=2), 4), lambda x: np.eye(4)[x.argmax(2)]),
    "einsum": (lambda x: ops.einsum("bij,bkj->bik", x, x), lambda x: np.einsum("bij,bkj->bik", x, x)),
    "median": (lambda x: ops.median(x, axis=0), lambda x: np.median(x, axis=0)),
    "cumsum": (lambda x: ops.cumsum(x, axis=None), lambda x: np.cumsum(x)),
    "softmax": (
        lambda x: ops.softmax(x, axis=1),
        lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True),
    ),
    "scan": (lambda x: ops.scan(lambda c, v: (c + v, c), ops.zeros_like(x[0]), x)[0], lambda x: x.sum(0)),
    "map": (lambda x: ops.map(lambda v: ops.sum(v, axis=0), x), lambda x: x.sum(1)),
    "tril": (lambda x: ops.tril(x), np.tril),
    "unstack": (lambda x: ops.unstack(x, axis=2)[3], lambda x: x[:, :, 3]),
}


@pytest.mark.parametrize("name", SYMBOLIC)
def test_symbolic_sizes(name: str) -> None:
    call, reference = SYMBOLIC[name]
    run = function(call)
    for shape in [(4, 6, 4), (3, 8, 4), (5, 4, 4), (7, 10, 4)]:
        x = draw(*shape)
        found, expected = array(run(x)), np.asarray(reference(x))
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert run.trace_count == 2


def test_shape_gives_sizes_that_arithmetic_works_on() -> None:
    trace = Trace("shapes")
    x = TracedTensor(trace.builder.input(TensorType("float32", (symbol("batch"), 6)), "x"), trace)
    with recording(trace):
        batch, width = ops.shape(x)
        assert isinstance(batch, Dim)
        assert width == 6
        assert ops.shape(ops.reshape(x, (-1,))) == (batch * 6,)
        assert ops.shape(ops.reshape(x, (batch * 2, -1))) == (batch * 2, 3)
        assert ops.shape(ops.concatenate([x, x])) == (batch * 2, 6)
        assert ops.shape(x[1:]) == ops.shape(x[:-1])
        assert x.shape == (None, 6)


# -- on symbolic tensors and variables -----------------------------------------------------------------------------


def test_keras_tensors_record_operations() -> None:
    x = KerasTensor((None, 3))
    y = ops.relu(x * 2.0 + 1.0)
    assert isinstance(y, KerasTensor)
    assert y.shape == (None, 3)
    assert type(y._keras_history.operation).__name__ == "Relu"
    scaled = ops.clip(x, 0.0, 1.0)
    assert scaled._keras_history.operation.get_config()["x_min"] == 0.0
    assert ops.shape(x) == (None, 3)
    assert ops.matmul(x, KerasTensor((3, 5))).shape == (None, 5)
    assert [part.shape for part in ops.split(x, 3, axis=1)] == [(None, 1)] * 3
    assert ops.conv(KerasTensor((None, 9, 9, 2)), np.zeros((3, 3, 2, 4), np.float32), strides=2).shape == (
        None,
        4,
        4,
        4,
    )
    assert ops.einsum("ab,cb->ac", x, x).shape == (None, None)
    assert ops.cond(KerasTensor(()) > 0, lambda: 1.0, lambda: 2.0).shape == ()


@pytest.mark.parametrize("name", ["Multiply", "Add", "GetItem", "Conv", "TopK", "Softmax", "Reshape", "BatchNorm"])
def test_operations_are_found_under_the_names_of_keras(name: str) -> None:
    assert find_operation(name).__name__ == name


def test_variables_arrays_and_lists_are_operands() -> None:
    v = Variable(np.array([1.0, 2.0], np.float32))
    np.testing.assert_allclose(array(ops.add(v, [3.0, 4.0])), [4, 6])
    np.testing.assert_allclose(array(v * 2 + np.float32(1)), [3, 5])
    np.testing.assert_allclose(array(ops.concatenate([v, [5.0]])), [1, 2, 5])
    np.testing.assert_allclose(array(ops.stack([v[0], 7.0])), [1, 7])
    assert array(ops.matmul([[1, 2]], [[3], [4]])).tolist() == [[11]]


def test_loops_and_branches() -> None:
    x = ops.convert_to_tensor([1.0, 2.0])
    assert array(ops.cond(ops.sum(x) > 2, lambda: x * 2, lambda: x)).tolist() == [2, 4]
    assert array(ops.switch(5, [lambda v: v, lambda v: v * 3], x)).tolist() == [3, 6]
    assert array(ops.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2), (0, x))[1]).tolist() == [8, 16]
    assert array(ops.while_loop(lambda v: v < 9, lambda v: v * 2, 1.0, maximum_iterations=2)) == 4
    assert array(ops.fori_loop(0, 4, lambda i, v: v + ops.cast(i, "float32"), x)).tolist() == [7, 8]
    assert array(ops.fori_loop(0, ops.convert_to_tensor(3), lambda i, v: v + 1, x)).tolist() == [4, 5]
    assert array(ops.associative_scan(lambda a, b: a + b, x, reverse=True)).tolist() == [3, 2]
    assert array(ops.vectorize(lambda a, b: a * b)([1.0, 2.0], [[3.0], [4.0]])).tolist() == [[3, 6], [4, 8]]
    row_sum = ops.vectorize(ops.sum, signature="(i)->()")
    assert array(row_sum([[1.0, 2.0], [3.0, 4.0]])).tolist() == [3, 7]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.reshape(np.ones(6), (4, -1)), "does not fit"),
        (lambda: ops.split(np.ones(5), 2), "equal parts"),
        (lambda: ops.squeeze(np.ones((2, 1)), axis=0), "not of size 1"),
        (lambda: ops.sum(np.ones(2), axis=1), "out of range"),
        (lambda: ops.transpose(np.ones((2, 2)), (0, 0)), "order"),
        (lambda: ops.conv(np.ones((1, 5, 3)), np.ones((2, 2, 4))), "groups"),
        (lambda: ops.conv(np.ones((1, 5, 3)), np.ones((2, 3, 4)), padding="full"), "padding"),
        (lambda: ops.max_pool(np.ones((5, 3)), 2), "rank"),
        (lambda: ops.einsum("ij,jk->ik", np.ones((2, 3))), "operands"),
        (lambda: ops.max(np.ones((0, 3)), axis=0), "empty"),
        (lambda: ops.convert_to_tensor([1], sparse=True), "sparse"),
        (lambda: ops.dot_product_attention(np.ones((2, 3)), np.ones((2, 3)), np.ones((2, 3))), "4D"),
    ],
)
def test_errors_say_what_is_wrong(call: Callable[[], Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_what_needs_numbers_says_so_inside_a_trace() -> None:
    for call in (ops.nonzero, ops.unique, lambda x: ops.arange(x[0])):
        with pytest.raises(TypeError, match="must be known"):
            function(call)(np.array([1, 2], np.int32))
