"""Reading ONNX models that others wrote."""

from __future__ import annotations

import warnings
from pathlib import Path

import cornu.primitives  # noqa: F401  (registers them)
import numpy as np
import onnx
import pytest
from cornu.ir.dim import maximum, symbol
from cornu.ir.interpret import evaluate
from cornu.ir.onnx import OnnxImportError, from_onnx
from cornu.ir.onnx.reading.known import parse_dim
from cornu.ir.program import Program
from cornu.ir.verify import verify
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
N, M = symbol("n"), symbol("m")


def model(
    nodes: list[onnx.NodeProto], inputs: dict[str, list[object]], outputs: list[str], **arrays: np.ndarray
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def node(op: str, inputs: str, output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(op, inputs.split(), output.split(), name=f"layer/{op}", **attributes)


def run(m: onnx.ModelProto, *arrays: np.ndarray) -> tuple[Program, np.ndarray]:
    program = from_onnx(m)
    verify(program)
    return program, evaluate(program, list(arrays))[0]


def floats(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


# -- sizes ---------------------------------------------------------------------------------------------------------


def test_a_flatten_as_torch_writes_it_becomes_one_reshape() -> None:
    nodes = [
        node("Shape", "x", "shape"),
        node("Gather", "shape zero", "n"),
        node("Unsqueeze", "n axes", "n1"),
        node("Concat", "n1 rest", "target", axis=0),
        node("Reshape", "x target", "y"),
    ]
    m = model(nodes, {"x": ["n", 3, 4]}, ["y"], zero=np.array(0), axes=ints(0), rest=ints(-1))
    program, y = run(m, floats(2, 3, 4))
    assert [n.op for n in program.nodes] == ["Reshape"]
    assert program.outputs[0].shape == (N, 12)
    assert y.shape == (2, 12)


def test_arithmetic_on_sizes_becomes_an_expression() -> None:
    nodes = [
        node("Shape", "x", "h", start=1, end=2),
        node("Add", "h one", "h1"),
        node("Div", "h1 two", "half"),
        node("Slice", "x zero half one", "y"),
    ]
    m = model(nodes, {"x": ["n", "m"]}, ["y"], one=ints(1), two=ints(2), zero=ints(0))
    program, y = run(m, floats(2, 5))
    assert program.outputs[0].shape == (N, (M + 1) // 2)
    assert y.shape == (2, 3)


def test_expand_to_a_shape_chosen_with_where() -> None:
    nodes = [
        node("Shape", "x", "shape"),
        node("Equal", "wanted minus", "keeps"),
        node("Where", "keeps shape wanted", "target"),
        node("Expand", "x target", "y"),
    ]
    m = model(nodes, {"x": ["n", 1]}, ["y"], wanted=ints(-1, 7), minus=ints(-1, -1))
    program, y = run(m, floats(3, 1))
    assert program.outputs[0].shape == (N, 7)
    assert y.shape == (3, 7)


def test_a_size_used_as_a_number() -> None:
    nodes = [node("Size", "x", "count"), node("Cast", "count", "c", to=FLOAT), node("Div", "x c", "y")]
    program, y = run(model(nodes, {"x": ["n", 4]}, ["y"]), floats(3, 4))
    np.testing.assert_allclose(y, floats(3, 4) / 12)
    assert "DimValue" in [n.op for n in program.nodes]


def test_slices_are_clamped_as_onnx_clamps_them() -> None:
    m = model([node("Slice", "x start end", "y")], {"x": ["n"]}, ["y"], start=ints(1), end=ints(4))
    for size in (0, 1, 3, 6):
        np.testing.assert_array_equal(run(m, floats(size))[1], floats(size)[1:4])
    m = model(
        [node("Slice", "x start end zero step", "y")],
        {"x": ["n"]},
        ["y"],
        start=ints(-2),
        end=ints(-5),
        zero=ints(0),
        step=ints(-1),
    )
    for size in (2, 4, 8):
        np.testing.assert_array_equal(run(m, floats(size))[1], floats(size)[-2:-5:-1])


def test_unnamed_sizes_are_named_after_their_input() -> None:
    program = from_onnx(model([node("Relu", "x", "y")], {"x": [None, None]}, ["y"]))
    assert [str(dim) for dim in program.inputs[0].shape] == ["x_0", "x_1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n", N),
        ("2*n + 1", 2 * N + 1),
        ("(n + 1)//(2) - m", (N + 1) // 2 - M),
        ("max(0, m - n) + n", maximum(M, N)),
        ("a/b c", None),
    ],
)
def test_names_of_dimensions(text: str, expected: object) -> None:
    dim = parse_dim(text)
    assert str(dim) == text if expected is None else dim == expected


# -- operators -----------------------------------------------------------------------------------------------------


def test_auto_pad_on_a_symbolic_size() -> None:
    m = model(
        [node("Conv", "x w", "y", auto_pad="SAME_UPPER", strides=[2])],
        {"x": ["n", 1, "m"]},
        ["y"],
        w=np.ones((1, 1, 3), np.float32),
    )
    # One before and one after an odd size, none before and one after an even one.
    for size, expected in ((4, [1 + 2 + 3, 3 + 4]), (5, [1 + 2, 2 + 3 + 4, 4 + 5])):
        _, y = run(m, np.arange(1, size + 1, dtype=np.float32).reshape(1, 1, size))
        np.testing.assert_allclose(y.ravel(), expected)


def test_average_pooling_leaves_padding_out_of_the_count() -> None:
    m = model([node("AveragePool", "x", "y", kernel_shape=[2], pads=[1, 1])], {"x": ["n", 1, 3]}, ["y"])
    _, y = run(m, np.array([[[1.0, 3.0, 8.0]]], np.float32))
    np.testing.assert_allclose(y.ravel(), [1.0, 2.0, 5.5, 8.0])


def test_gemm() -> None:
    m = model(
        [node("Gemm", "x w b", "y", transB=1, alpha=2.0, beta=0.5)], {"x": ["n", 3]}, ["y"], w=floats(4, 3), b=floats(4)
    )
    _, y = run(m, floats(2, 3, seed=1))
    np.testing.assert_allclose(y, 2 * floats(2, 3, seed=1) @ floats(4, 3).T + 0.5 * floats(4), rtol=1e-5)


def test_a_model_function_is_inlined(tmp_path: Path) -> None:
    function = helper.make_function(
        "local", "Double", ["a"], ["b"], [helper.make_node("Add", ["a", "a"], ["b"])], [helper.make_opsetid("", 18)]
    )
    m = model([helper.make_node("Double", ["x"], ["y"], domain="local")], {"x": ["n"]}, ["y"])
    m.functions.append(function)
    m.opset_import.append(helper.make_opsetid("local", 1))
    onnx.save(m, tmp_path / "m.onnx")
    np.testing.assert_array_equal(evaluate(from_onnx(str(tmp_path / "m.onnx")), [np.ones(2, np.float32)])[0], [2, 2])


def test_layers_are_the_paths_of_names() -> None:
    assert [n.scope for n in from_onnx(model([node("Relu", "x", "y")], {"x": ["n"]}, ["y"])).nodes] == ["layer"]


# -- errors --------------------------------------------------------------------------------------------------------


def test_unsupported_operators_are_listed_all_at_once() -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["a"], name="first"),
        helper.make_node("Magic", ["x"], ["b"], name="second", domain="com.example"),
        helper.make_node("NonZero", ["x"], ["c"], name="third"),
    ]
    with pytest.raises(OnnxImportError, match=r"NonZero \(first, third\); com.example.Magic \(second\)"):
        from_onnx(model(nodes, {"x": ["n"]}, ["a", "b"]))


def test_a_shape_that_depends_on_data_is_refused_with_its_node() -> None:
    nodes = [node("Cast", "x", "s", to=INT64), node("Reshape", "x s", "y")]
    with pytest.raises(OnnxImportError, match=r"Reshape node 'layer/Reshape': its shape 's' is not computed from"):
        from_onnx(model(nodes, {"x": [2]}, ["y"]))


def test_what_a_primitive_refuses_names_the_node() -> None:
    with pytest.raises(OnnxImportError, match=r"Transpose node 'layer/Transpose': .*perm"):
        from_onnx(model([node("Transpose", "x", "y", perm=[0, 2])], {"x": [2, 3]}, ["y"]))


# -- ONNX's own tests ----------------------------------------------------------------------------------------------

PARAMETERS = {
    "axes", "axis", "pads", "shape", "starts", "ends", "steps", "split", "repeats", "k", "depth", "new_shape",
    "y_repeats", "slice_start", "diagonal", "value", "t", "start", "limit", "delta", "x_shape",
}  # fmt: skip
"""Inputs of node tests that programs take as attributes: they become constants here."""


def test_onnx_node_tests() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        cases = collect_testcases(None)
    passed, wrong = 0, []
    for case in cases:
        if (
            case.model is None
            or not case.data_sets
            or any(word in case.name for word in ("training_dropout", "bf16", "bfloat16"))
        ):
            continue
        inputs, outputs = ([_array(item) for item in items] for items in case.data_sets[0])
        named = dict(zip([info.name for info in case.model.graph.input], inputs, strict=False))
        for name, array in named.items():
            if name in PARAMETERS and isinstance(array, np.ndarray) and array.ndim < 2:
                case.model.graph.initializer.append(numpy_helper.from_array(array, name))
        try:
            program = from_onnx(case.model)
            arrays = [np.asarray(named[value.name]) for value in program.inputs]
        except ValueError:
            continue
        with np.errstate(all="ignore"):
            results = evaluate(program, arrays)
        for actual, expected in zip(results, outputs, strict=False):
            if isinstance(expected, np.ndarray) and not _equal(actual, expected):
                wrong.append(case.name)
                break
        else:
            passed += 1
    assert not wrong
    assert passed > 1150


def _array(item: object) -> object:
    return numpy_helper.to_array(item) if isinstance(item, TensorProto) else item


def _equal(actual: np.ndarray, expected: np.ndarray) -> bool:
    return actual.shape == expected.shape and np.allclose(
        actual.astype(np.float64), expected.astype(np.float64), rtol=2e-3, atol=1e-4, equal_nan=True
    )
