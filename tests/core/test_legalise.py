"""What a backend lacks is rewritten, and refused by name where it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from cornu.ir.builder import Builder
from cornu.ir.dim import symbol
from cornu.ir.interpret import evaluate
from cornu.ir.passes import LegalisationError, legalise, prepare
from cornu.ir.program import Program, Value
from cornu.ir.types import TensorType
from cornu.ir.verify import verify
from programs import assert_same, count, draw, f32

N = symbol("n")
Predicate = Callable[[str, Sequence[str], Mapping[str, Any], str], bool]


def lacking(*missing: str | tuple[str, str]) -> Predicate:
    """A backend without some operators, or without them in some dtype."""

    def supports(op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        return op not in missing and not any((op, dtype) in missing for dtype in dtypes)

    return supports


def program(make: Callable[..., Value | list[Value]], *types: TensorType) -> Program:
    b = Builder("test")
    result = make(b, *[b.input(type, f"x{i}") for i, type in enumerate(types)])
    return b.finish(result if isinstance(result, list) else [result])


def check(before: Program, supports: Predicate, tolerance: float = 1e-5) -> Program:
    after = legalise(before, supports, "cpu", "toy")
    verify(after)
    for node in after.walk():
        name = node.attributes["name"] if node.op == "Call" else node.op
        assert supports(name, [v.dtype for v in node.inputs or node.outputs], node.attributes, "cpu")
    for n in (1, 4):
        arrays = draw(before, {"n": n})
        assert_same(evaluate(before, arrays), evaluate(after, arrays), tolerance)
    return after


def test_what_is_native_stays_the_same_object() -> None:
    before = program(lambda b, x: b.Exp(x), f32(N))
    assert legalise(before, lacking(), "cpu") is before


def test_a_missing_convolution_becomes_columns_and_a_product() -> None:
    a = {"strides": (2, 1), "dilations": (1, 2), "group": 2}
    before = program(lambda b, x, w: b.Conv(x, w, **a), f32(N, 4, 7, 8), f32(6, 2, 3, 2))
    assert count(check(before, lacking("Conv")), "MatMul") == 1


def test_decompositions_are_decomposed_further() -> None:
    a = {"strides": (2, 2), "dilations": (1, 1), "group": 1, "output_padding": (1, 0)}
    before = program(lambda b, x, w: b.ConvTranspose(x, w, **a), f32(N, 2, 3, 3), f32(2, 3, 3, 3))
    after = check(before, lacking("Conv", "ConvTranspose"))
    assert count(after, "Conv") == count(after, "ConvTranspose") == 0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_floats_are_computed_in_float32(dtype: str) -> None:
    before = program(lambda b, x: b.Exp(x), TensorType(dtype, (N, 3)))
    after = check(before, lacking(("Exp", dtype)), 1e-2)
    assert [node.op for node in after.nodes] == ["Cast", "Exp", "Cast"]
    assert after.nodes[1].inputs[0].dtype == "float32"


def test_small_integers_are_computed_in_larger_ones_and_wrap() -> None:
    before = program(lambda b, x: b.Mul(b.Add(x, 100), b.Add(x, 100)), TensorType("int8", (N,)))
    after = check(before, lacking(("Add", "int8"), ("Mul", "int8"), ("Mul", "int16")))
    assert {node.inputs[0].dtype for node in after.nodes if node.op == "Mul"} == {"int32"}


def test_choices_between_bools_keep_their_condition() -> None:
    boolean = TensorType("bool", (N,))
    before = program(lambda b, c, x, y: b.Where(c, x, y), boolean, boolean, boolean)

    def supports(op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        return op != "Where" or dtypes[1] != "bool"

    after = check(before, supports)
    (where,) = [node for node in after.nodes if node.op == "Where"]
    assert [value.dtype for value in where.inputs] == ["bool", "uint8", "uint8"]


def test_indices_are_left_alone() -> None:
    before = program(lambda b, x, i: b.Gather(x, i, axis=0), TensorType("int8", (5, 2)), TensorType("int64", (N,)))
    after = check(before, lambda op, dtypes, attributes, device: op != "Gather" or dtypes[0] in ("int32", "float32"))
    assert count(after, "Cast") == 2


def test_an_extreme_of_nothing_stays_in_its_dtype() -> None:
    before = program(lambda b, x: b.ReduceMax(x, axes=(0,), keepdims=False), TensorType("int8", (N,)))
    after = check(before, lacking(("ReduceMax", "int8"), ("ReduceMax", "int16")))
    assert evaluate(after, [np.zeros(0, np.int8)])[0] == -128


def test_a_range_takes_its_dtype_from_an_attribute() -> None:
    before = program(
        lambda b, x: b.Mul(b.Range(start=0, step=2, size=N, dtype="float16"), x), TensorType("float16", (N,))
    )
    after = check(before, lacking(("Range", "float16")), 1e-2)
    assert after.nodes[0].attributes["dtype"] == "float32"


def test_bodies_are_rewritten_too() -> None:
    step = program(lambda b, h, x: [b.Add(h, b.Exp(x))], TensorType("float16", ()), TensorType("float16", ()))
    attributes = {"body": step, "carries": 1, "sequences": 1, "length": N, "reverse": False}
    half = TensorType("float16", (N,))
    before = program(lambda b, h, xs: list(b.emit("Scan", (h, xs), attributes)), TensorType("float16", ()), half)
    after = check(before, lacking(("Exp", "float16")), 1e-2)
    assert count(after, "Cast") == 2


def test_composites_are_kept_by_name_with_their_attributes() -> None:
    inner = program(lambda b, x: [b.Exp(x)], f32(N))
    asked: list[tuple[str, tuple[str, ...], int]] = []

    def supports(op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        if "body" in attributes:
            asked.append((op, tuple(dtypes), attributes["units"]))
            return op == "Known" and attributes["units"] == 4
        return op != "Call"

    def make(b: Builder, x: Value) -> list[Value]:
        calls = [("Known", 4), ("Known", 5), ("Unknown", 4)]
        return [b.emit("Call", (x,), {"name": name, "body": inner, "units": units})[0] for name, units in calls]

    before = program(make, f32(N))
    after = check(before, supports)
    assert (count(after, "Call"), sum(node.op == "Exp" for node in after.nodes)) == (1, 2)
    assert ("Known", ("float32",), 5) in asked


def test_what_cannot_be_legalised_is_refused_with_its_place() -> None:
    b = Builder("model")
    x = b.input(TensorType("float64", (N, 3)))
    with b.scoped("model/activation"):
        y = b.Exp(x)
    with pytest.raises(
        LegalisationError, match=r"Exp of float64 of layer model/activation .* toy on device 'npu'"
    ) as error:
        legalise(b.finish([y]), lacking(("Exp", "float64")), "npu", "toy")
    assert (error.value.op, error.value.dtypes, error.value.layer) == ("Exp", ("float64",), "model/activation")
    assert error.value.backend == "toy"


def test_float64_is_never_computed_in_float32() -> None:
    before = program(lambda b, x: b.Exp(x), TensorType("float64", (N,)))
    with pytest.raises(LegalisationError, match="Exp of float64"):
        legalise(before, lacking(("Exp", "float64")), "cpu", "toy")


class _Toy:
    """A backend that has no half floats at all, nor MaxPool."""

    name = "toy"

    @staticmethod
    def supports(op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        return op not in ("MaxPool", "Call") and (op == "Cast" or "float16" not in dtypes)


@pytest.mark.usefixtures("passes_on")
def test_prepare_leaves_only_what_the_backend_has() -> None:
    inner = program(lambda b, x: [b.Exp(b.Neg(b.Neg(x)))], TensorType("float16", (N, 1, 4, 4)))

    def make(b: Builder, x: Value) -> Value:
        y = b.emit("Call", (x,), {"name": "Layer", "body": inner})[0]
        return b.MaxPool(b.Mul(y, 1.0), kernel_shape=(2, 2), strides=(2, 2), dilations=(1, 1))

    before = program(make, TensorType("float16", (N, 1, 4, 4)))
    after = prepare(before, _Toy(), "")  # type: ignore[arg-type]
    verify(after)
    assert all(_Toy.supports(n.op, [v.dtype for v in n.inputs or n.outputs], n.attributes, "") for n in after.walk())
    assert count(after, "Neg") == count(after, "Mul") == 0
    arrays = draw(before, {"n": 2})
    assert_same(evaluate(before, arrays), evaluate(after, arrays), 1e-2)
