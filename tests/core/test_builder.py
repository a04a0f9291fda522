"""Recording nodes: constants, operands, unified sizes, enclosing builders, copies of programs."""

from __future__ import annotations

import cornu.primitives  # noqa: F401 - registers them
import numpy as np
import pytest
from cornu.ir.builder import Builder
from cornu.ir.dim import DimLike, SymbolicDimError, symbol
from cornu.ir.interpret import evaluate
from cornu.ir.shapes import SizeConflictError
from cornu.ir.types import TensorType
from cornu.ir.verify import verify

N, M = symbol("n"), symbol("m")


def floats(*shape: DimLike) -> TensorType:
    return TensorType("float32", shape)


def test_numbers_take_the_dtype_of_the_first_tensor() -> None:
    b = Builder()
    x = b.input(TensorType("float16", (2,)))
    assert b.Mul(3, x).type == TensorType("float16", (2,))


def test_equal_scalars_share_a_node() -> None:
    b = Builder()
    assert b.constant(2.0, "float32") is b.constant(2.0, "float32")
    assert b.constant(2.0, "float32") is not b.constant(2.0, "float64")
    assert b.constant(0.0, "float32") is not b.constant(-0.0, "float32")


def test_operands_must_be_tensors_or_numbers() -> None:
    with pytest.raises(TypeError, match=r"Add takes tensors, got str"):
        Builder().Add("1", 2)


def test_attributes_are_no_operands() -> None:
    with pytest.raises(TypeError, match="positional"):
        Builder().Range(0.0, 0.5, size=4, dtype="float32")


def test_attributes_that_are_no_operators_are_missing() -> None:
    with pytest.raises(AttributeError):
        Builder().nothing  # noqa: B018


def test_dtypes_are_not_mixed() -> None:
    b = Builder()
    with pytest.raises(TypeError, match="one dtype"):
        b.Add(b.input(floats(2)), b.input(TensorType("float64", (2,))))


# -- sizes that must be equal --------------------------------------------------------------------------------------


def test_symbols_that_meet_become_one() -> None:
    b = Builder()
    x, y = b.input(floats(N, 3), "x"), b.input(floats(M, 3), "y")
    program = b.finish([b.Add(x, y)])
    verify(program)
    assert x.shape[0] == y.shape[0]
    assert program.outputs[0].type == x.type
    with pytest.raises(ValueError, match=r"expected 2, got 4"):
        program.check_inputs([(2, 3), (4, 3)])


def test_a_symbol_that_meets_a_number_becomes_it() -> None:
    b = Builder()
    x = b.input(floats(N, M))
    program = b.finish([b.Add(x, b.input(floats(5, 1)))])
    assert program.outputs[0].shape == (5, M)
    assert program.inputs[0].shape == (5, M)


def test_a_symbol_is_solved_for_in_an_expression() -> None:
    b = Builder()
    x, y = b.input(floats(N)), b.input(floats(M))
    joined = b.Concat(x, x, axis=0)
    program = b.finish([b.Add(joined, y)])
    verify(program)
    assert program.inputs[1].shape == (2 * N,)


def test_a_symbol_is_solved_for_in_a_product() -> None:
    b = Builder()
    x = b.input(floats(N, M, 4))
    program = b.finish([b.Reshape(x, shape=(N, 8, 2))])
    verify(program)
    assert program.inputs[0].shape == (N, 4, 4)


def test_a_common_factor_is_not_taken_for_zero() -> None:
    b = Builder()
    with pytest.raises(SizeConflictError, match=r"sizes 6\*n and 5\*n differ"):
        b.Reshape(b.input(floats(N, 6)), shape=(N, 5))


def test_unification_reaches_earlier_nodes_and_sub_programs() -> None:
    b = Builder()
    x = b.input(floats(N, 2))
    body = Builder("body")
    inner = body.input(floats(N, 2))
    called = b.emit("Call", (x,), {"name": "Half", "body": body.finish([body.Mul(inner, 0.5)])})[0]
    program = b.finish([b.Add(called, b.input(floats(4, 2)))])
    verify(program)
    assert program.nodes[0].attributes["body"].inputs[0].shape == (4, 2)


def test_sizes_that_can_never_be_equal() -> None:
    b = Builder()
    with pytest.raises(SizeConflictError, match=r"sizes 2 and 3 differ"):
        b.Add(b.input(floats(2)), b.input(floats(3)))


def test_sizes_that_no_symbol_can_be_solved_for() -> None:
    b = Builder()
    x = b.input(floats(N))
    with pytest.raises(SymbolicDimError, match=r"2\*n"):
        b.Add(b.Concat(x, x, axis=0), b.input(floats(5)))


def test_a_size_would_have_to_be_negative() -> None:
    b = Builder()
    with pytest.raises(SizeConflictError):
        b.Add(b.Concat(b.input(floats(N)), b.input(floats(3)), axis=0), b.input(floats(2)))


def test_a_symbol_is_not_stretched_as_1() -> None:
    b = Builder()
    assert b.Add(b.input(floats(N)), b.input(floats(1))).shape == (N,)
    assert b.Add(b.input(floats(M)), b.input(floats(7))).shape == (7,)


# -- sub-programs --------------------------------------------------------------------------------------------------


def test_values_of_an_enclosing_builder_become_inputs() -> None:
    outer = Builder("outer")
    x = outer.input(floats(2), "x")
    inner = Builder("inner", outer)
    y = inner.input(floats(2), "y")
    result = inner.Add(inner.Mul(x, y), x)
    program = inner.finish([result])
    assert inner.captures == {x: program.inputs[1]}
    assert len(program.inputs) == 2


def test_captures_pass_through_the_builders_between() -> None:
    outer = Builder("outer")
    x = outer.input(floats(2), "x")
    middle = Builder("middle", outer)
    inner = Builder("inner", middle)
    inner.Neg(x)
    assert list(middle.captures) == [x]


def test_values_of_strangers_are_refused() -> None:
    x = Builder("one").input(floats(2), "x")
    with pytest.raises(ValueError, match="belongs to another program than two"):
        Builder("two").Neg(x)


def test_inline_copies_a_program() -> None:
    inner = Builder("inner")
    x = inner.input(floats(N), "x")
    with inner.scoped("dense"):
        doubled = inner.Mul(x, 2.0)
    program = inner.finish([doubled, x])

    outer = Builder("outer")
    y = outer.input(floats(4), "y")
    with outer.scoped("model"):
        first, second = outer.inline(program, [y])
    whole = outer.finish([outer.Add(first, second)])
    verify(whole)
    assert [node.scope for node in whole.nodes if node.op == "Mul"] == ["model/dense"]
    np.testing.assert_array_equal(evaluate(whole, [np.ones(4, np.float32)])[0], np.full(4, 3, np.float32))


def test_zeros_are_known_as_such() -> None:
    b = Builder()
    assert b.is_zero(b.zeros(floats(N, 2)))
    assert not b.is_zero(b.full((2,), 0.0, "float32"))


def test_programs_bind_sizes_of_sub_programs_from_outside() -> None:
    b = Builder("flat")
    x = b.input(floats(N, 3))
    body = Builder("body")
    inner = body.input(floats(3 * N))
    flat = b.Reshape(x, shape=(3 * N,))
    program = b.finish(b.emit("Call", (flat,), {"name": "Neg", "body": body.finish([body.Neg(inner)])}))
    assert evaluate(program, [np.ones((2, 3), np.float32)])[0].tolist() == [-1.0] * 6
