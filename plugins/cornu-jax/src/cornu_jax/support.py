"""What runs natively: the operators, the dtypes of their operands, and the attributes that their kernels know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FLOATS = frozenset({"float16", "bfloat16", "float32", "float64"})
SIGNED = frozenset({"int8", "int16", "int32", "int64"})
UNSIGNED = frozenset({"uint8", "uint16", "uint32", "uint64"})
INTEGERS = SIGNED | UNSIGNED
NUMBERS = FLOATS | INTEGERS
BOOL = frozenset({"bool"})
ANY = BOOL | NUMBERS
INDICES = frozenset({"int32", "int64"})

Dtypes = frozenset[str]


@dataclass(frozen=True)
class Native:
    """What a kernel takes.

    Args:
        operands: The dtypes of each operand; the last one's are those of all that follow.
        attributes: The names of its attributes.
    """

    operands: tuple[Dtypes, ...]
    attributes: frozenset[str] = frozenset()

    def takes(self, dtypes: Sequence[str], attributes: Mapping[str, Any]) -> bool:
        """Whether a node is of this kind.

        Args:
            dtypes: The dtypes of its operands.
            attributes: Its attributes.
        """
        last = len(self.operands) - 1
        known = all(dtype in self.operands[min(i, last)] for i, dtype in enumerate(dtypes))
        return known and self.attributes.issuperset(attributes) and _values_are_known(attributes)


_VALUES: dict[str, Any] = {
    "reduction": frozenset({"none", "add", "mul", "max", "min"}),
    "mode": frozenset({"constant", "reflect", "edge"}),
    "direction": frozenset({"LEFT", "RIGHT"}),
    "to": ANY,
    "dtype": ANY,
}


def _values_are_known(attributes: Mapping[str, Any]) -> bool:
    return all(attributes[name] in _VALUES[name] for name in attributes if name in _VALUES)


def _all(names: str, dtypes: Dtypes, attributes: str = "") -> dict[str, Native]:
    return {name: Native((dtypes,), frozenset(attributes.split())) for name in names.split()}


NATIVE: dict[str, Native] = {
    **_all("Neg", FLOATS | SIGNED),
    **_all("Abs Sign", NUMBERS),
    **_all("Floor Ceil Round Sqrt Reciprocal Exp Log Sin Cos Tan Asin Acos Atan Sinh Cosh Tanh Asinh Acosh", FLOATS),
    **_all("Atanh Erf Sigmoid Softplus Relu IsNaN IsInf", FLOATS),
    **_all("Identity StopGradient Barrier", ANY),
    **_all("Add Sub Mul Div Pow Mod Max Min Less LessOrEqual Greater GreaterOrEqual MatMul", NUMBERS),
    **_all("Equal", ANY),
    **_all("Not And Or Xor", BOOL),
    **_all("BitwiseNot BitwiseAnd BitwiseOr BitwiseXor", INTEGERS),
    **_all("BitShift", UNSIGNED, "direction"),
    **_all("Cast", ANY, "to"),
    "Where": Native((BOOL, ANY)),
    **_all("Constant", ANY, "value"),
    **_all("DimValue", ANY, "size"),
    **_all("Range", ANY, "start step size dtype"),
    **_all("Reshape Expand", ANY, "shape"),
    **_all("Transpose", ANY, "perm"),
    **_all("Slice", ANY, "starts ends axes steps"),
    **_all("Pad", ANY, "before after value mode"),
    **_all("Concat", ANY, "axis"),
    **_all("Split", ANY, "axis sizes"),
    **_all("Tile", ANY, "repeats"),
    **_all("Trilu", ANY, "upper k"),
    "Gather": Native((ANY, INDICES), frozenset({"axis"})),
    "GatherElements": Native((ANY, INDICES), frozenset({"axis"})),
    "GatherND": Native((ANY, INDICES)),
    "ScatterElements": Native((ANY, INDICES, ANY), frozenset({"axis", "reduction"})),
    "ScatterND": Native((ANY, INDICES, ANY), frozenset({"reduction"})),
    **_all("ReduceSum ReduceProd ReduceMax ReduceMin", NUMBERS, "axes keepdims"),
    **_all("ReduceMean", FLOATS, "axes keepdims"),
    **_all("ArgMax ArgMin", NUMBERS, "axis keepdims"),
    **_all("CumSum CumProd", NUMBERS, "axis exclusive reverse"),
    **_all("TopK", NUMBERS, "k axis largest sorted"),
    **_all("Conv", FLOATS, "strides dilations group"),
    **_all("ConvTranspose", FLOATS, "strides dilations group output_padding"),
    **_all("MaxPool", NUMBERS, "kernel_shape strides dilations"),
    **_all("AveragePool", FLOATS, "kernel_shape strides dilations"),
    **_all("RandomBits", frozenset({"uint32"}), "shape"),
    "If": Native((BOOL, ANY), frozenset({"then", "otherwise"})),
    **_all("Scan", ANY, "body carries sequences length reverse"),
    **_all("While", ANY, "condition body carries"),
}
"""Every primitive that has a kernel; `Constant` has none, as the interpreter itself knows it."""

COMPOSITES: dict[str, Native] = _all("ConvWeightGrad", FLOATS, "kernel_shape strides dilations group")
"""The composites that have a kernel; XLA makes of the others' bodies what can be made of them."""

OF_CALLS = frozenset({"name", "body", "vjp", "primals"})
"""The attributes of every composite, which are not its configuration."""


def runs_natively(op: str, dtypes: Sequence[str], attributes: Mapping[str, Any]) -> bool:
    """Whether a node runs as it is, and means what the primitive means.

    Args:
        op: The primitive's or the composite's name.
        dtypes: Its operands' dtypes (its results', where it has no operands).
        attributes: Its attributes.
    """
    if "name" in attributes:
        native, attributes = COMPOSITES.get(op), {k: v for k, v in attributes.items() if k not in OF_CALLS}
    else:
        native = NATIVE.get(op)
    return native is not None and native.takes(dtypes, attributes)
