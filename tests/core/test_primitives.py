"""Every primitive by its cases: values, shapes, derivatives, decompositions."""

from __future__ import annotations

from collections.abc import Iterator

import cornu.primitives  # noqa: F401 - registers them
import numpy as np
import onnx
import pytest
from cornu.ir.builder import Builder
from cornu.ir.differentiate import vjp_program
from cornu.ir.dim import Dim, substitute
from cornu.ir.interpret import evaluate
from cornu.ir.onnx import to_onnx
from cornu.ir.primitive import all_primitives, lookup
from cornu.ir.program import Program
from cornu.ir.types import dtype_name, is_float, numpy_dtype
from cornu.ir.verify import verify
from cornu_conformance.case import Case, cast, close, load_cases
from cornu_conformance.differences import check_derivative, float_positions

CASES = load_cases()


def parameters(*, float64: bool = False) -> Iterator[object]:
    for op, cases in CASES.items():
        for case in cases:
            for dtype in case.dtypes:
                if not float64 or dtype == "float64":
                    yield pytest.param(op, case, dtype, id=f"{op}-{case.name}-{dtype}")


every_case = pytest.mark.parametrize(("op", "case", "dtype"), list(parameters()))
every_float64_case = pytest.mark.parametrize(("op", "case", "dtype"), list(parameters(float64=True)))


def test_every_primitive_has_cases_and_the_other_way_round() -> None:
    assert set(CASES) == set(all_primitives())


def test_names_of_cases_are_unique() -> None:
    for op, cases in CASES.items():
        names = [case.name for case in cases]
        assert len(names) == len(set(names)), op


@every_case
def test_kernel_gives_what_is_expected(op: str, case: Case, dtype: str) -> None:
    program = case.program(op, dtype)
    verify(program)
    actual = evaluate(program, case.arrays(dtype))
    expected = case.results(dtype)
    assert len(actual) == len(expected)
    for have, want in zip(actual, expected, strict=True):
        assert not close(have, want, case.tolerance), close(have, want, case.tolerance)


# -- shapes --------------------------------------------------------------------------------------------------------


def grown(arrays: list[np.ndarray], program: Program, by: int) -> list[np.ndarray]:
    """The operands with every symbolic axis longer by `by`; an empty one stays empty."""
    for i, value in enumerate(program.inputs):
        for axis, dim in enumerate(value.shape):
            size = arrays[i].shape[axis]
            if isinstance(dim, Dim) and size:
                arrays[i] = np.take(arrays[i], np.arange(size + by) % size, axis)
    return arrays


@pytest.mark.parametrize("by", [0, 1, 2, 5])
def test_shape_rules_agree_with_kernels(by: int) -> None:
    for op, cases in CASES.items():
        for case in cases:
            dtype = case.dtypes[0]
            program = case.program(op, dtype)
            if by and not program.symbols:
                continue
            arrays = grown(case.arrays(dtype), program, by)
            sizes = program.bind([array.shape for array in arrays])
            for value, array in zip(program.outputs, evaluate(program, arrays), strict=True):
                inferred = tuple(substitute(dim, sizes) for dim in value.shape)
                where = f"{op}/{case.name} with {sizes}"
                assert (value.dtype, inferred) == (dtype_name(array.dtype), array.shape), where


def test_shape_rules_agree_with_the_strict_inference_of_onnx() -> None:
    known = unknown = 0
    for op, cases in CASES.items():
        for case in cases:
            program = case.program(op, case.dtypes[0])
            model = to_onnx(program)
            for output in model.graph.output:
                output.type.tensor_type.ClearField("shape")
            inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
            for output, value in zip(inferred.graph.output, program.outputs, strict=True):
                type = output.type.tensor_type
                where = f"{op}/{case.name}: {type.shape} and {value.type}"
                assert type.elem_type == onnx.helper.np_dtype_to_tensor_dtype(numpy_dtype(value.dtype)), where
                if not type.HasField("shape"):
                    unknown += 1
                    continue
                assert len(type.shape.dim) == value.type.rank, where
                for theirs, ours in zip(type.shape.dim, value.shape, strict=True):
                    known += theirs.HasField("dim_value")
                    unknown += not theirs.HasField("dim_value") and isinstance(ours, int)
                    assert not theirs.HasField("dim_value") or theirs.dim_value == ours, where
    assert known > 20 * unknown, "onnx's inference was not asked"


# -- derivatives ---------------------------------------------------------------------------------------------------


@every_float64_case
def test_gradient_agrees_with_finite_differences(op: str, case: Case, dtype: str) -> None:
    program = case.program(op, dtype)
    if case.orders and lookup(op).vjp is not None and any(float_positions(program)):
        check_derivative(program, case.arrays(dtype), case.orders)


@every_float64_case
def test_gradient_by_hand(op: str, case: Case, dtype: str) -> None:
    if case.gradient is None:
        return
    program = case.program(op, dtype)
    rule = vjp_program(program, float_positions(program))
    verify(rule)
    ones = [np.ones_like(array) for array in case.results(dtype) if is_float(dtype_name(array.dtype))]
    actual = evaluate(rule, [*case.arrays(dtype), *ones])
    expected = [cast(gradient, dtype) for gradient in case.gradient if gradient is not None]
    assert len(actual) == len(expected)
    for have, want in zip(actual, expected, strict=True):
        assert not close(have, want, case.tolerance), close(have, want, case.tolerance)


# -- decompositions ------------------------------------------------------------------------------------------------


@every_case
def test_decomposition_is_the_same_operation(op: str, case: Case, dtype: str) -> None:
    primitive = lookup(op)
    # The 16-bit floats are widened instead: `legalise` decomposes them only in float32.
    if primitive.decompose is None or dtype in ("float16", "bfloat16"):
        return
    node = case.program(op, dtype).nodes[0]
    b = Builder(op)
    for value in node.inputs:
        b.adopt(value)
    results = primitive.decompose(b, node)
    if results is None:
        return
    assert all(inner.op != op or primitive.partly for inner in b.nodes), "a decomposition that leads back to itself"
    program = Program(op, node.inputs, tuple(results), tuple(b.nodes))
    verify(program)
    assert [value.type for value in results] == [value.type for value in node.outputs]
    tolerance = case.tolerance * 4
    sizes = case.program(op, dtype).bind([array.shape for array in case.arrays(dtype)])
    actual = evaluate(program, case.arrays(dtype)[: case.operands], sizes)
    for have, want in zip(actual, case.results(dtype), strict=True):
        assert not close(have, want, tolerance), close(have, want, tolerance)
