"""The verifier finds every way in which a program can be ill-formed."""

from __future__ import annotations

import cornu.primitives  # noqa: F401 - registers them
import pytest
from cornu.ir.builder import Builder
from cornu.ir.program import Node, Program, Value
from cornu.ir.types import TensorType
from cornu.ir.verify import VerificationError, verify

TYPE = TensorType("float32", (3,))


def one_node(op: str = "Neg", declared: TensorType = TYPE) -> tuple[Value, Node]:
    x = Value(TYPE, "x")
    return x, Node(op, (x,), (Value(declared),))


def test_a_good_program_passes() -> None:
    x, node = one_node()
    verify(Program("good", (x,), node.outputs, (node,)))


def test_an_input_twice() -> None:
    x, node = one_node()
    with pytest.raises(VerificationError, match="twice"):
        verify(Program("bad", (x, x), node.outputs, (node,)))


def test_a_value_defined_twice() -> None:
    x, node = one_node()
    with pytest.raises(VerificationError, match=r"node 1 Neg.*twice"):
        verify(Program("bad", (x,), node.outputs, (node, node)))


def test_a_value_read_before_it_is_defined() -> None:
    x, node = one_node()
    later = Node("Neg", node.outputs, (Value(TYPE),))
    with pytest.raises(VerificationError, match=r"node 0 Neg reads .* before"):
        verify(Program("bad", (x,), later.outputs, (later, node)))


def test_an_output_that_nothing_defines() -> None:
    x, node = one_node()
    with pytest.raises(VerificationError, match="is not defined"):
        verify(Program("bad", (x,), (Value(TYPE),), (node,)))


@pytest.mark.parametrize("wrong", [TensorType("float64", (3,)), TensorType("float32", (4,)), TensorType("float32", ())])
def test_a_type_that_the_rule_does_not_give(wrong: TensorType) -> None:
    x, node = one_node(declared=wrong)
    with pytest.raises(VerificationError, match=r"declares .*, the rule says float32\[3\]"):
        verify(Program("bad", (x,), node.outputs, (node,)))


def test_operands_that_the_rule_refuses() -> None:
    x, node = one_node("Not", TensorType("bool", (3,)))
    with pytest.raises(VerificationError, match="Not does not take float32"):
        verify(Program("bad", (x,), node.outputs, (node,)))


def test_the_wrong_number_of_operands() -> None:
    x, node = one_node("Add")
    with pytest.raises(VerificationError, match="node 0 Add"):
        verify(Program("bad", (x,), node.outputs, (node,)))


def test_sub_programs_are_checked() -> None:
    b = Builder("outer")
    x = b.input(TYPE)
    inner, node = one_node(declared=TensorType("float32", (4,)))
    body = Program("inner", (inner,), node.outputs, (node,))
    b.emit("Call", (x,), {"name": "Wrong", "body": body})
    with pytest.raises(VerificationError, match=r"Call/inner: node 0 Neg declares"):
        verify(b.finish([x]))
