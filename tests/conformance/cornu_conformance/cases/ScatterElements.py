"""A copy of the data where y[indices[i, j], j] is replaced by updates[i, j], or combined with it (for axis 0)"""

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from cornu_conformance.case import ALL_FLOATS, FLOAT32, Case, distinct, draw
from cornu_conformance.formulas import scatter_elements

ROWS = np.array([[0, 2], [-1, 0], [0, 1], [2, -3]])
PERMUTED = np.array([[2, 0], [0, 1], [1, 2]])
COMBINE: dict[str, Callable[[Any, Any], Any]] = {"add": operator.add, "mul": operator.mul, "max": max, "min": min}

CASES = [
    *(
        Case(
            name,
            [distinct(3, 2), ROWS, distinct(4, 2, seed=1, step=0.1875)],
            partial(scatter_elements, axis=0, combine=combine),
            {"axis": 0, "reduction": name},
            dtypes=ALL_FLOATS if name == "add" else ("float32", "float64"),
        )
        for name, combine in COMBINE.items()
    ),
    *(
        Case(
            f"{name}_columns",
            [distinct(2, 3), ROWS.T, distinct(2, 4, seed=1, step=0.1875)],
            partial(scatter_elements, axis=1, combine=combine),
            {"axis": 1, "reduction": name},
            ["n _", "n k", "n k"],
        )
        for name, combine in COMBINE.items()
    ),
    Case(
        "replace",
        [draw(3, 2, seed=1), PERMUTED, draw(3, 2, seed=2)],
        partial(scatter_elements, axis=0, combine=lambda old, new: new),
        {"axis": 0, "reduction": "none"},
        dtypes=ALL_FLOATS,
    ),
    Case(
        "replace_some",
        [draw(3, 2, seed=1), PERMUTED[:1].astype(np.int32), draw(1, 2, seed=2)],
        partial(scatter_elements, axis=0, combine=lambda old, new: new),
        {"axis": 0, "reduction": "none"},
        ["_ _", "k _", "k _"],
    ),
    Case(
        "mul_zeros",
        [[2.0, 3.0, 5.0], np.array([0, 0, 1, 2, 2, 2]), [0.0, 4.0, 0.0, 0.0, 0.0, 7.0]],
        [[0.0, 0.0, 0.0]],
        {"axis": 0, "reduction": "mul"},
        orders=1,
        gradient=[[0.0, 0.0, 0.0], None, [8.0, 0.0, 3.0, 0.0, 0.0, 0.0]],
    ),
    Case(
        "max_ties",
        [[2.0, 3.0, 1.0], np.array([0, 0, 1, 1]), [1.0, 2.0, 4.0, 4.0]],
        [[2.0, 4.0, 1.0]],
        {"axis": 0, "reduction": "max"},
        orders=0,
        gradient=[[0.5, 0.0, 1.0], None, [0.0, 0.5, 0.5, 0.5]],
    ),
    Case(
        "no_index",
        [draw(3, 2), np.zeros((0, 2), np.int64), np.zeros((0, 2))],
        lambda x, i, u: x,
        {"axis": 0, "reduction": "add"},
        ["", "n _", "n _"],
    ),
    Case(
        "integers",
        [np.array([5, 6, 7]), np.array([-1, 0, 0]), np.array([1, 2, 3])],
        [np.array([10, 6, 8])],
        {"axis": 0, "reduction": "add"},
        dtypes=FLOAT32,
    ),
]
