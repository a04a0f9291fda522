"""The smaller of two; NaN if either is. At a tie each operand gets half of the cotangent."""

from functools import partial

from cornu_conformance.case import INF, NAN, Case, binary, distinct, neighbours, scalarwise, whole

CASES = [
    *binary(
        min,
        distinct,
        partial(distinct, step=0.1875),
        edges=[(2.0, 1.0, 1.0), (-INF, INF, -INF), (NAN, 1.0, NAN), (1.0, NAN, NAN)],
    ),
    *binary(min, whole, whole, dtypes=("int8", "int32", "int64"), orders=0, prefix="int_"),
    Case(
        "ties",
        [[3.0, 2.0, 1.0], [1.0, 2.0, 4.0]],
        [[1.0, 2.0, 1.0]],
        orders=0,
        gradient=[[0.0, 0.5, 1.0], [1.0, 0.5, 0.0]],
    ),
    Case("neighbours", [neighbours(4, seed=1), neighbours(4, seed=2)], scalarwise(min)),
]
