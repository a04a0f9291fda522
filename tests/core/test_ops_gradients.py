"""Gradients of operations and composites against central differences, in float64, traced and eager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cornu import GradientTape, composites, function, ops, use_backend

R = np.random.RandomState(0)
A, B, C = R.randn(3, 4), R.randn(3, 4), R.randn(2, 3, 4)
P = np.abs(A) + 0.3
IMAGE, KERNEL, TURNED = R.randn(2, 7, 6, 4), R.randn(3, 3, 4, 6), R.randn(3, 3, 5, 4)
VECTOR, OTHER = R.randn(4), R.randn(4)
QUERY, KEY = R.randn(2, 5, 3, 4), R.randn(2, 6, 3, 4)
SEQUENCE, MASK = R.randn(5, 3, 4), (R.rand(5, 3, 1) > 0.3).astype(np.float64)
UNITS = 2
STEP, TOLERANCE = 1e-6, 1e-5


def check(f: Callable[..., Any], *arrays: np.ndarray) -> None:
    """The gradient of a random combination of the results, along a random direction in each argument."""
    random = np.random.RandomState(1)
    tensors = [ops.convert_to_tensor(np.asarray(x, np.float64)) for x in arrays]
    results = f(*tensors)
    weights = [random.randn(*y.shape) for y in (results if isinstance(results, (tuple, list)) else [results])]

    def loss(*xs: Any) -> Any:
        found = f(*xs)
        found = found if isinstance(found, (tuple, list)) else [found]
        return sum((ops.sum(y * w) for y, w in zip(found, weights, strict=True)), start=ops.zeros((), "float64"))

    def gradients(*xs: Any) -> Any:
        with GradientTape() as tape:
            value = loss(*xs)
        return tape.gradient(value, list(xs), unconnected_gradients="zero")

    for run in (function(gradients), gradients):
        for i, gradient in enumerate(run(*tensors)):
            direction = random.randn(*tensors[i].shape)
            ends = []
            for sign in (1, -1):
                moved = [np.asarray(x, np.float64) for x in arrays]
                moved[i] = moved[i] + sign * STEP * direction
                ends.append(float(loss(*map(ops.convert_to_tensor, moved))))
            numeric = (ends[0] - ends[1]) / (2 * STEP)
            exact = float(np.sum(np.asarray(gradient) * direction))
            assert exact == pytest.approx(numeric, rel=TOLERANCE, abs=TOLERANCE), f"argument {i}"


UNARY = (
    "expm1 sin cos tanh arctan arcsinh sinh cosh square sigmoid softplus softsign silu log_sigmoid elu selu gelu "
    "log_softmax logsumexp celu squareplus tanh_shrink erf sinc glu sparse_plus cumsum cumprod prod sum mean std "
    "softmax var norm hard_tanh median sort max min leaky_relu hard_silu i0 corrcoef normalize sparsemax exp abs "
    "relu6 hard_sigmoid"
)
POSITIVE = "sqrt log rsqrt reciprocal cbrt log2 log1p"
BINARY = "add subtract multiply divide maximum minimum arctan2 hypot logaddexp divide_no_nan kron cdist"

CASES: dict[str, tuple[Any, ...]] = {
    **{name: (getattr(ops, name), A * 0.5) for name in UNARY.split()},
    **{name: (getattr(ops, name), P) for name in POSITIVE.split()},
    **{name: (getattr(ops, name), np.clip(A * 0.3, -0.9, 0.9)) for name in ("arctanh", "arcsin", "erfinv")},
    **{name: (getattr(ops, name), A, B) for name in BINARY.split()},
    "power": (ops.power, P, B),
    "erfc": (ops.erfc, A * 2),
    "gelu exact": (lambda x: ops.gelu(x, approximate=False), A),
    "softmax of two axes": (lambda x: ops.softmax(x, axis=(0, 1)), C),
    "matmul": (ops.matmul, C, R.randn(4, 5)),
    "einsum": (lambda a, b: ops.einsum("bij,kj->bik", a, b), C, B),
    "conv grouped": (lambda x, k: ops.conv(x, k, padding="same", dilation_rate=2), IMAGE, KERNEL[:, :, :2]),
    "layer norm": (ops.layer_normalization, IMAGE, VECTOR, OTHER),
    "layer norm axes": (
        lambda x, g, b: ops.layer_normalization(x, g, b, axis=(1, 3)),
        IMAGE,
        R.randn(7, 4),
        R.randn(7, 4),
    ),
    "layer norm plain": (ops.layer_normalization, IMAGE),
    "rms norm": (ops.rms_normalization, IMAGE, VECTOR),
    "batch norm": (
        lambda x, m, v, o, s: ops.batch_normalization(x, m, v, -1, o, s),
        IMAGE,
        VECTOR,
        np.abs(OTHER) + 0.1,
        OTHER,
        VECTOR,
    ),
    "batch norm training": (
        lambda x, g, b: composites.batch_normalization_training(x, g, b, 1e-3),
        np.moveaxis(IMAGE, -1, 1),
        VECTOR,
        OTHER,
    ),
    "batch norm training of rows": (
        lambda x, g, b: composites.batch_normalization_training(x, g, b, 1e-3),
        R.randn(6, 4),
        VECTOR,
        OTHER,
    ),
    "moments": (lambda x: ops.moments(x, [0, 1, 2]), IMAGE),
    "sparse crossentropy": (lambda p: ops.sparse_categorical_crossentropy(np.array([1, 0, 3]), p), P),
    "sparse crossentropy of logits": (
        lambda p: ops.sparse_categorical_crossentropy(np.array([1, -1, 3]), p, from_logits=True),
        A,
    ),
    "crossentropy": (ops.categorical_crossentropy, B, P),
    "crossentropy of logits": (lambda t, p: ops.categorical_crossentropy(t, p, from_logits=True), B, A),
    "binary crossentropy": (ops.binary_crossentropy, B, 1 / (1 + np.exp(-A))),
    "binary crossentropy of logits": (lambda t, p: ops.binary_crossentropy(t, p, from_logits=True), B, A),
    "attention": (ops.dot_product_attention, QUERY, KEY, KEY + 1),
    "attention with all": (
        lambda q, k, v, b: ops.dot_product_attention(
            q, k, v, bias=b, is_causal=True, mask=np.tri(5, 6, 1).astype(bool), attn_logits_soft_cap=2.0
        ),
        QUERY,
        KEY,
        KEY + 1,
        R.randn(1, 3, 1, 6),
    ),
    "attention with shared heads": (ops.dot_product_attention, QUERY, KEY[:, :, :1], KEY[:, :, :1] + 1),
    "scan": (lambda x: ops.scan(lambda c, e: (c * ops.tanh(e), c + e), ops.ones((4,), "float64"), x), A),
    "associative scan": (lambda x: ops.associative_scan(lambda a, b: a * b, x), A),
    "take": (lambda x: ops.take(x, [[0, 2], [1, 1]], axis=1), A),
    "take along axis": (lambda x: ops.take_along_axis(x, np.array([[0, 0], [2, 1], [1, 3]]), axis=1), A),
    "index arrays": (lambda x: x[:, np.array([0, 2]), np.array([1, 1])], C),
    "index slices": (lambda x: x[..., ::-2, None], C),
    "slice update": (lambda x, u: ops.slice_update(x, (0, 1, 1), u), C, R.randn(2, 1, 2)),
    "scatter update": (lambda x, u: ops.scatter_update(x, np.array([[0], [2]]), u), A, R.randn(2, 4)),
    "scatter": (lambda u: ops.scatter(np.array([[0], [2], [0]]), u, (4, 4)), A),
    "pad symmetric": (lambda x: ops.pad(x, ((1, 2), (2, 1)), mode="symmetric"), A),
    "pad reflect": (lambda x: ops.pad(x, ((1, 2), (2, 1)), mode="reflect"), A),
    "roll": (lambda x: ops.roll(x, 2, axis=1), A),
    "repeat": (lambda x: ops.repeat(x, 2, axis=1), A),
    "tile": (lambda x: ops.tile(x, (2, 3)), A),
    "diag": (lambda x: ops.diag(x, -1), VECTOR),
    "diagonal": (lambda x: ops.diagonal(x, 1), A),
    "trapezoid": (ops.trapezoid, A, VECTOR),
    "top_k": (lambda x: ops.top_k(x, 2)[0], A),
    "quantile": (lambda x: ops.quantile(x, 0.3, axis=1), A),
    "segment_max": (lambda x: ops.segment_max(x, np.array([0, 0, 1]), 2), A),
    "norm of order 3": (lambda x: ops.norm(x, 3, axis=1), A),
    "linspace": (lambda a, b: ops.linspace(a, b, 4), A, B),
    "cross": (lambda a, b: ops.cross(a[:, :3], b[:, :3]), A, B),
    "average": (lambda a, w: ops.average(a, axis=1, weights=w), A, P),
    "clip": (lambda a: ops.clip(a, -0.5, 0.5), A),
    "where": (lambda a, b: ops.where(a > 0, a, b), A, B),
}
for _s in (1, 2):
    for _p in ("valid", "same"):
        _set: dict[str, Any] = {"strides": _s, "padding": _p}
        CASES |= {
            f"conv {_s} {_p}": (lambda x, k, s=_set: ops.conv(x, k, **s), IMAGE, KERNEL),
            f"depthwise_conv {_s} {_p}": (lambda x, k, s=_set: ops.depthwise_conv(x, k, **s), IMAGE, KERNEL[..., :2]),
            f"conv_transpose {_s} {_p}": (lambda x, k, s=_set: ops.conv_transpose(x, k, **s), IMAGE, TURNED),
            f"max_pool {_s} {_p}": (lambda x, s=_set: ops.max_pool(x, 3, **s), IMAGE),
            f"average_pool {_s} {_p}": (lambda x, s=_set: ops.average_pool(x, 3, **s), IMAGE),
        }


@pytest.mark.parametrize("name", CASES)
def test_gradient(name: str) -> None:
    with use_backend("numpy"):
        check(*CASES[name])


def _recurrent(cell: Any, gates: int, masked: bool, reverse: bool) -> tuple[Any, ...]:
    states = [R.randn(3, UNITS) for _ in range(2 if gates == 4 else 1)]
    bias = R.randn(gates * UNITS) if gates == 4 else R.randn(2, gates * UNITS)

    def run(*tensors: Any) -> Any:
        return cell(*tensors, ops.convert_to_tensor(MASK) if masked else None, reverse)

    return run, SEQUENCE, R.randn(4, gates * UNITS), R.randn(UNITS, gates * UNITS), bias, *states


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(("cell", "gates"), [(composites.lstm, 4), (composites.gru, 3)])
def test_recurrent_gradient(cell: Any, gates: int, masked: bool, reverse: bool) -> None:
    with use_backend("numpy"):
        check(*_recurrent(cell, gates, masked, reverse))


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "gelu", "layer_normalization"])
def test_second_derivatives_of_composites(name: str) -> None:
    from cornu import grad

    with use_backend("numpy"):
        function_ = getattr(ops, name)
        weights = ops.convert_to_tensor(R.randn(3, 4))
        check(grad(lambda x: ops.sum(function_(x) * weights)), A)


def test_gradients_at_ties_are_those_of_keras_on_jax() -> None:
    """The first maximum in pooling; equal shares in max and in maximum; 1 for abs and 0 for relu at 0."""
    with use_backend("numpy"):

        def at(f: Callable[..., Any], x: Any) -> list[Any]:
            x = ops.convert_to_tensor(np.asarray(x, np.float64))
            with GradientTape() as tape:
                y = ops.sum(f(x))
            return np.asarray(tape.gradient(y, x)).tolist()  # type: ignore[no-any-return]

        assert at(lambda x: ops.max(x), [1.0, 2.0, 2.0]) == [0, 0.5, 0.5]
        assert at(lambda x: ops.maximum(x, 1.0), [0.0, 1.0, 2.0]) == [0, 0.5, 1]
        assert at(ops.abs, [-1.0, 0.0, 1.0]) == [-1, 1, 1]
        assert at(ops.relu, [-1.0, 0.0, 1.0]) == [0, 0, 1]
        assert at(ops.relu6, [0.0, 3.0, 6.0]) == [0, 1, 0]
        assert at(ops.hard_tanh, [-1.0, 1.0, 1.5]) == [1, 1, 0]
        assert at(ops.hard_sigmoid, [-3.0, 0.0, 3.0]) == pytest.approx([0, 1 / 6, 0])
        assert at(ops.leaky_relu, [-1.0, 0.0]) == pytest.approx([0.2, 1])
        assert at(ops.elu, [0.0, 1.0]) == [1, 1]
        assert at(lambda x: ops.elu(x, 2.0), [0.0, 1.0]) == [2, 1]
        assert at(ops.selu, [0.0, 1.0]) == pytest.approx([1.7580993408473766, 1.0507009873554805])
        assert at(ops.sparse_sigmoid, [-1.0, 0.0, 1.0]) == [0.25, 0.5, 0.25]
        pooled = at(lambda x: ops.max_pool(ops.reshape(x, (1, 4, 1)), 2), [3.0, 3.0, 1.0, 2.0])
        assert pooled == [1, 0, 0, 1]
