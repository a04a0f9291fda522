"""Nodes that become one, and composites."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cornu.backend.manager import register_backend
from cornu.ir.differentiate import vjp_program
from cornu.ir.passes import prepare
from cornu.ir.program import Program
from cornu_torch import TorchBackend
from cornu_torch.lowering import lower
from cornu_torch.support import name_of
from torch_programs import BACKEND, expected, program_of, run, same

RNG = np.random.default_rng(0)
X, Y, Z = (RNG.normal(size=(40, 50)).astype("float32") for _ in range(3))
V = RNG.normal(size=50).astype("float32")


def names(program: Program) -> list[str]:
    lowered = lower(prepare(program, BACKEND), on_cpu=True)
    return [name_of(node) for node in lowered.nodes if node.op != "Constant"]


def check(make: Any, arrays: list[np.ndarray], *ops: str) -> None:
    program = program_of(make, *arrays)
    assert names(program) == list(ops)
    same(run(program, arrays), expected(program, arrays), 1e-4)


def test_two_in_one() -> None:
    check(lambda b, x, y, z: b.Add(x, b.Mul(y, z)), [X, Y, Z], "Add(Mul)")
    check(lambda b, x, y, z: b.Add(b.Mul(y, z), x), [X, Y, V], "Add(Mul)")
    check(lambda b, x, y, z: b.Sub(x, b.Mul(y, z)), [X, Y, V], "Sub(Mul)")
    check(lambda b, x, y, z: b.Sub(x, b.Div(y, z)), [V, Y, Z], "Sub(Div)")
    check(lambda b, x, y: b.Add(x, b.Mul(b.Sub(y, x), 0.1)), [X, Y], "Add(Mul(Sub))")
    check(lambda b, x, y: b.Cast(b.Greater(x, y), to="float32"), [X, V], "Cast(Greater)")
    check(lambda b, x, y: b.Cast(b.LessOrEqual(x, y), to="float32"), [V, Y], "Cast(LessOrEqual)")
    check(lambda b, x, y, z: b.Add(b.MatMul(x, y), z), [X, Y.T.copy(), V[:40]], "MatMul+Add")
    stack = RNG.normal(size=(3, 20, 40)).astype("float32")
    check(lambda b, x, y, z: b.Add(b.MatMul(x, y), z), [stack, X, V], "MatMul+Add")
    check(lambda b, x, y, z: b.Add(b.MatMul(x, y), z), [stack[:, :2, :3], X[:3, :2], V[:2]], "MatMul+Add")
    check(lambda b, x, y: b.MatMul(x, y), [stack, X], "MatMul")
    check(lambda b, x, y, z: b.Add(z, b.MatMul(x, y)), [X[:2, :3], Y[:3, :2], V[:2]], "MatMul+Add")


def test_what_stays() -> None:
    """What somebody else reads, what is of another size, and other dtypes."""
    check(lambda b, x, y: [b.Add(x, p := b.Mul(x, y)), p], [X, Y], "Mul", "Add")
    check(lambda b, x, y, z: b.Add(x, b.Mul(y, z)), [X, V, V], "Mul", "Add")
    check(lambda b, x, y: b.Cast(b.Greater(x, y), to="float64"), [X, Y], "Greater", "Cast")
    check(lambda b, x, y: b.Add(b.MatMul(x, y), y), [X[:4, :4], Y[:4, :4]], "MatMul", "Add")
    check(lambda b, x, y, z: b.Add(b.MatMul(x, y), z), [X[:4, :4], Y[:4, :1], V[:4]], "MatMul", "Add")
    image, kernel, column = np.ones((2, 3, 4), "f"), np.ones((1, 3, 2), "f"), np.ones((1, 5, 1), "f")
    plain = {"strides": (1,), "dilations": (1,), "group": 1}
    check(lambda b, x, y, z: b.Add(b.Conv(x, y, **plain), z), [image, kernel, column], "Conv", "Add")
    whole = np.arange(6)
    check(lambda b, x, y: b.Add(x, b.Mul(x, y)), [whole, whole], "Mul", "Add")


@pytest.mark.parametrize(
    ("shape", "kernel", "strides", "dilations"),
    [
        ((2, 3, 8), (2,), (2,), (1,)),
        ((2, 3, 9, 8), (2, 3), (2, 1), (1, 2)),
        ((2, 3, 8, 8), (2, 2), (2, 2), (1, 1)),
        ((2, 2, 5, 6, 7), (2, 2, 3), (2, 1, 2), (1, 1, 1)),
        ((2, 3, 8, 8), (1, 1), (1, 1), (1, 1)),
    ],
)
def test_pooling_and_its_gradient(shape: Any, kernel: Any, strides: Any, dilations: Any) -> None:
    """The maxima are searched once; ties and NaN are as the specification has them."""
    settings = {"kernel_shape": kernel, "strides": strides, "dilations": dilations}
    x = RNG.integers(0, 4, shape).astype("float32")
    forward = program_of(lambda b, x: b.MaxPool(x, **settings), x)
    rule = vjp_program(forward, [True])
    g = RNG.normal(size=expected(forward, [x])[0].shape).astype("float32")

    def make(b: Any, x: Any, g: Any) -> list[Any]:
        return [b.MaxPool(x, **settings), *b.inline(rule, [x, g])]

    program = program_of(make, x, g)
    assert names(program) == ["MaxPool, places", "MaxPoolGrad, places"] or kernel == (1, 1)
    same(run(program, [x, g]), expected(program, [x, g]))
    x.ravel()[::7] = np.nan
    x.ravel()[::11] = -np.inf
    same(run(program, [x, g]), expected(program, [x, g]))
    same(run(rule, [x, g]), expected(rule, [x, g]))
    same(run(forward, [x]), expected(forward, [x]))


def test_what_is_recognised_by_its_body() -> None:
    """Softmax, its logarithm, Gelu and layer normalization as the core makes them, with and without gradients."""
    import cornu as keras

    def functions(x: Any) -> list[Any]:
        scale = keras.ops.ones((50,), "float32") * 0.5
        made = [keras.ops.softmax(x), keras.ops.log_softmax(x, axis=0), keras.layers.LayerNormalization()(x), scale]
        return [*made, keras.activations.gelu(x), keras.activations.gelu(x, approximate=True)]

    asked: dict[str, bool] = {}

    class Asked(TorchBackend):
        def supports(self, op: str, dtypes: Any, attributes: Any, device: str) -> bool:
            answer = super().supports(op, dtypes, attributes, device)
            asked[op] = answer or asked.get(op, False)
            return answer

    register_backend("torch_asked", Asked)
    found = []
    for name in ("torch_asked", "numpy"):
        with keras.use_backend(name):
            found.append([keras.ops.convert_to_numpy(y) for y in keras.function(functions)(X)])
    same(*found, 1e-5)
    assert all(asked[name] for name in ("Softmax", "LogSoftmax", "LayerNormalization", "Gelu"))


def test_composites_are_known_by_more_than_their_name() -> None:
    """Another composite of a known name is taken for what its body says."""
    inner = program_of(lambda b, x: b.Mul(x, 2.0), X)
    other = program_of(lambda b, x: b.Div(b.Exp(x), b.ReduceSum(b.Exp(x), axes=(0,), keepdims=True)), X)
    program = program_of(lambda b, x: b.emit("Call", (x,), {"name": "Softmax", "body": other, "axis": 1}), X)
    same(run(program, [X]), [np.exp(X) / np.exp(X).sum(0, keepdims=True)])
    for name in ("Softmax", "LayerNormalization", "ConvWeightGrad", "MaxPoolGrad", "Add(Mul)", "MatMul+Add"):
        program = program_of(lambda b, x, name=name: b.emit("Call", (x,), {"name": name, "body": inner}), X)
        same(run(program, [X]), [X * 2])
