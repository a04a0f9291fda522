"""Writing programs as ONNX models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cornu.primitives  # noqa: F401  (registers them)
import numpy as np
import onnx
import pytest
from cornu.ir.builder import Builder
from cornu.ir.dim import DimLike, maximum, symbol
from cornu.ir.interpret import evaluate
from cornu.ir.onnx import OnnxExportError, from_onnx, to_onnx
from cornu.ir.onnx.schemas import newest_opset
from cornu.ir.program import Program, Value
from cornu.ir.types import Shape, TensorType
from onnx.reference import ReferenceEvaluator

N, M = symbol("n"), symbol("m")


def program(body: Callable[..., Value | list[Value]], *shapes: Shape, dtype: str = "float32") -> Program:
    b = Builder("test")
    inputs = [b.input(TensorType(dtype, shape), name) for shape, name in zip(shapes, "xyzw", strict=False)]
    outputs = body(b, *inputs)
    return b.finish(outputs if isinstance(outputs, list) else [outputs])


def ops(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node]


def check(p: Program, *shapes: tuple[int, ...], **options: object) -> onnx.ModelProto:
    """Exports, checks, and compares onnx's evaluator with the reference kernels on random numbers."""
    model = to_onnx(p, **options)  # type: ignore[arg-type]
    onnx.checker.check_model(model, full_check=True)
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(shape).astype(v.dtype) for shape, v in zip(shapes, p.inputs, strict=True)]
    results = ReferenceEvaluator(model).run(None, dict(zip([i.name for i in model.graph.input], arrays, strict=True)))
    for actual, expected in zip(results, evaluate(p, arrays), strict=True):
        assert np.shape(actual) == expected.shape
        np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)
    return model


# -- shapes --------------------------------------------------------------------------------------------------------

RESHAPES: list[tuple[Shape, Shape, list[str]]] = [
    ((N, 4, 6), (N, 24), ["Reshape"]),
    ((N, 4, 6), (N * 4, 6), ["Reshape"]),
    ((N, 4), (N * 2, 2), ["Reshape"]),
    ((N, M, 6), (N, M, 2, 3), ["Reshape"]),
    ((N, M), (N, 1, M, 1), ["Unsqueeze"]),
    ((1, N, 1, M), (N, M), ["Squeeze"]),
    ((N, M, 1), (N, 1, M), ["Squeeze", "Unsqueeze"]),
    ((N, M, 3), (N, M * 3), ["Flatten"]),
    ((N, M, 3), (N * M, 3), ["Reshape"]),
    ((N, 0), (0, N, 5), ["Shape", "Concat", "Reshape"]),
    ((N, M, 4), (2, N * M, 2), ["Reshape"]),
    ((N, M), (M, N), ["Shape", "Shape", "Concat", "Reshape"]),
]


@pytest.mark.parametrize(("source", "target", "expected"), RESHAPES, ids=str)
def test_reshape_computes_only_what_it_must(source: Shape, target: Shape, expected: list[str]) -> None:
    p = program(lambda b, x: b.Reshape(x, shape=target), source)
    for n, m in ((3, 5), (1, 1), (0, 2), (2, 0), (0, 0)):
        shape = tuple(int(_bind(dim, n, m)) for dim in source)
        if "Flatten" not in expected or 0 not in shape:  # onnx's evaluator cannot flatten nothing
            assert ops(check(p, shape)) == expected


def _bind(dim: DimLike, n: int, m: int) -> DimLike:
    from cornu.ir.dim import substitute

    return substitute(dim, {"n": n, "m": m})


@pytest.mark.parametrize(
    "size",
    [
        N,
        N + 3,
        3 * N * M + 2,
        (N + 1) // 2,
        (N - 3) // 2 + 4,
        7 - (N + M) // 3,
        maximum(N - 4, 2),
        (N * M) // (M + 1),
        -N + 9,
    ],
    ids=str,
)
def test_sizes_are_computed_as_python_computes_them(size: DimLike) -> None:
    p = program(lambda b, x: b.DimValue(size=size), (N, M))
    model = to_onnx(p)
    onnx.checker.check_model(model, full_check=True)
    for n in range(6):
        for m in (0, 1, 4):
            (actual,) = ReferenceEvaluator(model).run(None, {"x": np.zeros((n, m), np.float32)})
            assert actual.shape == ()
            assert actual == _bind(size, n, m)


def test_each_size_is_computed_once() -> None:
    def body(b: Builder, x: Value) -> list[Value]:
        size = N * 2 + 1
        return [b.full((size, 3), 1.0, "float32"), b.full((size, 4), 2.0, "float32"), b.DimValue(size=size)]

    counted = Counter(ops(check(program(body, (N, 5)), (3, 5))))
    assert (counted["Shape"], counted["Mul"], counted["Add"]) == (1, 1, 1)


def test_slices_to_the_end_need_no_size() -> None:
    def body(b: Builder, x: Value) -> list[Value]:
        last = b.Slice(x, starts=(N - 1,), ends=(N,), axes=(0,), steps=(1,))
        but_last = b.Slice(x, starts=(0,), ends=(N - 1,), axes=(0,), steps=(1,))
        backwards = b.Slice(x, starts=(N - 1,), ends=(-1,), axes=(0,), steps=(-1,))
        return [last, but_last, backwards]

    p = program(body, (N, 2))
    assert ops(check(p, (4, 2))) == ["Slice"] * 3
    check(p, (1, 2))


def test_an_end_that_may_be_before_the_first_element() -> None:
    p = program(lambda b, x: b.Slice(x, starts=(N - 1,), ends=(N - 4,), axes=(0,), steps=(-1,)), (N, 2))
    check(p, (3, 2))
    check(p, (5, 2))


# -- padding -------------------------------------------------------------------------------------------------------


def _padded(op: str, value: float, before: tuple[DimLike, ...] = (0, 0, 1, 1)) -> Program:
    def body(b: Builder, x: Value, *w: Value) -> Value:
        padded = b.Pad(x, before=before, after=(0, 0, 1, 0), value=value, mode="constant")
        window = {"kernel_shape": (2, 2), "strides": (2, 1), "dilations": (1, 1)}
        if op == "Conv":
            return b.Conv(padded, *w, strides=(2, 1), dilations=(1, 1), group=1)  # type: ignore[no-any-return]
        return b.emit(op, (padded,), window)[0]

    shapes: list[Shape] = [(N, 3, M, 6), (4, 3, 2, 2)]
    return program(body, *shapes[: 2 if op == "Conv" else 1])


@pytest.mark.parametrize(("op", "value"), [("Conv", 0.0), ("MaxPool", -np.inf), ("AveragePool", 0.0)])
def test_padding_becomes_an_attribute(op: str, value: float) -> None:
    shapes = [(2, 3, 5, 6), (4, 3, 2, 2)][: 2 if op == "Conv" else 1]
    model = check(_padded(op, value), *shapes)
    assert ops(model) == [op]
    pads = next(a for a in model.graph.node[0].attribute if a.name == "pads")
    assert list(pads.ints) == [1, 1, 1, 0]


@pytest.mark.parametrize(("op", "value"), [("Conv", 0.0), ("MaxPool", -np.inf)])
@pytest.mark.parametrize("size", [1, 4, 5, 9])
def test_same_padding_of_a_symbolic_size_becomes_an_attribute(op: str, value: float, size: int) -> None:
    def body(b: Builder, x: Value, *w: Value) -> Value:
        total = maximum((-(-M // 2) - 1) * 2 + 3 - M, 0)
        before, after = (0, 0, total // 2), (0, 0, total - total // 2)
        padded = b.Pad(x, before=before, after=after, value=value, mode="constant")
        if op == "Conv":
            return b.Conv(padded, *w, strides=(2,), dilations=(1,), group=1)  # type: ignore[no-any-return]
        return b.MaxPool(padded, kernel_shape=(3,), strides=(2,), dilations=(1,))  # type: ignore[no-any-return]

    shapes: list[Shape] = [(N, 1, M), (2, 1, 3)]
    p = program(body, *shapes[: 2 if op == "Conv" else 1])
    arrays = [np.arange(1.0, size + 1, dtype=np.float32).reshape(1, 1, size), np.ones((2, 1, 3), np.float32)]
    model = check(p, *[array.shape for array in arrays[: len(p.inputs)]])
    assert ops(model) == [op]
    auto = next(a for a in model.graph.node[0].attribute if a.name == "auto_pad")
    assert auto.s == b"SAME_UPPER"
    again = from_onnx(model)
    for ours, theirs in zip(
        evaluate(p, arrays[: len(p.inputs)]), evaluate(again, arrays[: len(p.inputs)]), strict=True
    ):
        np.testing.assert_allclose(theirs, ours)


@pytest.mark.parametrize(
    ("op", "value", "before"),
    [
        ("Conv", 1.0, (0, 0, 1, 1)),
        ("MaxPool", 0.0, (0, 0, 1, 1)),
        ("Conv", 0.0, (0, 0, M, 1)),
        ("MaxPool", -np.inf, (0, 0, 2, 0)),
    ],
)
def test_padding_that_means_something_else_stays(op: str, value: float, before: tuple[DimLike, ...]) -> None:
    shapes = [(2, 3, 5, 6), (4, 3, 2, 2)][: 2 if op == "Conv" else 1]
    p = _padded(op, value, before)
    assert "Pad" in ops(to_onnx(p))
    if value > -np.inf:
        check(p, *shapes)


def test_padding_with_another_reader_stays() -> None:
    def body(b: Builder, x: Value, w: Value) -> list[Value]:
        padded = b.Pad(x, before=(0, 0, 1), after=(0, 0, 1), value=0.0, mode="constant")
        return [b.Conv(padded, w, strides=(1,), dilations=(1,), group=1), padded]

    assert ops(check(program(body, (N, 3, 5), (4, 3, 2)), (2, 3, 5), (4, 3, 2))) == ["Pad", "Conv"]


# -- names, outputs, bytes -----------------------------------------------------------------------------------------


def test_names_tell_layers_and_sizes_are_named() -> None:
    b = Builder("model")
    x = b.input(TensorType("float32", (symbol("batch"), 4)), "image")
    with b.scoped("dense"):
        h = b.Relu(b.MatMul(x, b.constant(np.ones((4, 3), np.float32))))
    with b.scoped("dense_1"):
        y = b.MatMul(h, b.constant(np.ones((3, 2), np.float32)))
    model = to_onnx(b.finish([y]), output_names=["scores"])
    assert [node.name for node in model.graph.node] == ["dense/MatMul", "dense/Relu", "dense_1/MatMul"]
    assert [info.name for info in model.graph.output] == ["scores"]
    shown = {
        info.name: [d.dim_param or d.dim_value for d in info.type.tensor_type.shape.dim]
        for info in model.graph.value_info
    }
    assert shown == {"dense/MatMul": ["batch", 3], "dense/Relu": ["batch", 3]}
    assert model.producer_name == "cornu"


def test_outputs_that_are_inputs_constants_or_twice_the_same() -> None:
    def body(b: Builder, x: Value) -> list[Value]:
        y = b.Exp(x)
        return [x, y, y, b.constant(np.arange(3.0)), x, b.Identity(y)]

    model = check(program(body, (N, 2)), (2, 2))
    names = [info.name for info in model.graph.output]
    assert len(set(names)) == 6


def test_the_same_program_gives_the_same_bytes() -> None:
    first, second = (to_onnx(_padded("Conv", 0.0)).SerializeToString() for _ in range(2))
    assert first == second


def test_wrong_names_and_opsets_are_refused() -> None:
    p = program(lambda b, x: b.Exp(x), (N,))
    with pytest.raises(ValueError, match="input_names takes 1"):
        to_onnx(p, input_names=["a", "b"])
    with pytest.raises(ValueError, match="opset must lie between 17 and"):
        to_onnx(p, opset=16)
    assert to_onnx(p, input_names=["a"], output_names=["a"]).graph.output[0].name == "a_1"


def test_big_constants_beside_the_file(tmp_path: Path) -> None:
    weights = np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32)
    p = program(lambda b, x: b.MatMul(x, b.constant(weights)), (N, 64))
    onnx.save(to_onnx(p, external_threshold=1024, external_location="m.bin"), tmp_path / "m.onnx")
    assert (tmp_path / "m.bin").stat().st_size == weights.nbytes
    again = onnx.load(tmp_path / "m.onnx")
    x = np.ones((2, 64), np.float32)
    np.testing.assert_allclose(ReferenceEvaluator(again).run(None, {"x": x})[0], x @ weights, rtol=1e-5)


# -- opsets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opset", range(17, newest_opset() + 1))
def test_every_opset(opset: int) -> None:
    def body(b: Builder, x: Value) -> list[Value]:
        along = {"axes": (1,), "keepdims": True}
        reduced = [b.emit(op, (x,), along)[0] for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceProd")]
        split = b.emit("Split", (x,), {"axis": 1, "sizes": (1, 3)})
        padded = b.Pad(x, before=(1, 0), after=(0, 2), value=2.0, mode="constant")
        return [*reduced, *split, padded, b.CumProd(x, axis=1, exclusive=False, reverse=False)]

    model = check(program(body, (N, 4)), (3, 4), opset=opset)
    assert model.opset_import[0].version == opset
    assert model.ir_version == onnx.helper.find_min_ir_version_for(model.opset_import, ignore_unknown=True)


def test_what_an_opset_lacks_is_listed_all_at_once() -> None:
    b = Builder("bits")
    x = b.input(TensorType("int32", (3,)), "x")
    with b.scoped("mask"):
        y = b.BitwiseAnd(x, x)
    with b.scoped("key"):
        z = b.BitwiseAnd(y, b.constant(np.array([1, 2, 3], np.int32)))
    with pytest.raises(OnnxExportError, match=r"opset 17 .*BitwiseAnd \(in mask\), BitwiseAnd \(in key\)"):
        to_onnx(b.finish([z]), opset=17)


def test_dtypes_that_the_standard_lacks_are_widened() -> None:
    p = program(lambda b, x, y: b.MatMul(x, y), (N, 2), (2, 3), dtype="int8")
    model = to_onnx(p)
    onnx.checker.check_model(model, full_check=True)
    x, y = np.array([[100, 100]], np.int8), np.array([[2, 0, 1], [1, 1, 1]], np.int8)
    (actual,) = ReferenceEvaluator(model).run(None, {"x": x, "y": y})
    np.testing.assert_array_equal(actual, evaluate(p, [x, y])[0])
