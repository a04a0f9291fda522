"""A copy of the data where y[indices[i, 0], indices[i, 1], ...] is replaced by updates[i], or combined with it"""

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from cornu_conformance.case import ALL_FLOATS, FLOAT32, Case, distinct, draw
from cornu_conformance.formulas import scatter_nd

ROWS = np.array([[0], [2], [-1], [0]])
PLACES = np.array([[0, 1], [2, -1], [-3, 1], [2, 0]])
COMBINE: dict[str, Callable[[Any, Any], Any]] = {"add": operator.add, "mul": operator.mul, "max": max, "min": min}

CASES = [
    *(
        Case(
            name,
            [distinct(3, 2), ROWS, distinct(4, 2, seed=1, step=0.1875)],
            partial(scatter_nd, combine=combine),
            {"reduction": name},
            ["_ m", "k _", "k m"],
            ALL_FLOATS if name == "add" else ("float32", "float64"),
        )
        for name, combine in COMBINE.items()
    ),
    *(
        Case(
            f"{name}_elements",
            [distinct(3, 2), PLACES, distinct(4, seed=1, step=0.1875)],
            partial(scatter_nd, combine=combine),
            {"reduction": name},
        )
        for name, combine in COMBINE.items()
    ),
    Case(
        "replace",
        [draw(3, 2, seed=1), np.array([[-1], [0]]), draw(2, 2, seed=2)],
        partial(scatter_nd, combine=lambda old, new: new),
        {"reduction": "none"},
        dtypes=ALL_FLOATS,
    ),
    Case(
        "replace_elements",
        [draw(3, 2, seed=1), PLACES[[0, 1, 3]].astype(np.int32), draw(3, seed=2)],
        partial(scatter_nd, combine=lambda old, new: new),
        {"reduction": "none"},
        ["n _", "k _", "k"],
    ),
    Case(
        "mul_zeros",
        [[2.0, 3.0], np.array([[0], [0], [1]]), [0.0, 4.0, 0.0]],
        [[0.0, 0.0]],
        {"reduction": "mul"},
        orders=1,
        gradient=[[0.0, 0.0], None, [8.0, 0.0, 3.0]],
    ),
    Case(
        "min_ties",
        [[2.0, 3.0, 1.0], np.array([[0], [0], [1], [1]]), [4.0, 2.0, 2.5, 2.5]],
        [[2.0, 2.5, 1.0]],
        {"reduction": "min"},
        orders=0,
        gradient=[[0.5, 0.0, 1.0], None, [0.0, 0.5, 0.5, 0.5]],
    ),
    Case(
        "no_index",
        [draw(3, 2), np.zeros((0, 1), np.int64), np.zeros((0, 2))],
        lambda x, i, u: x,
        {"reduction": "add"},
        ["", "n _", "n _"],
    ),
    Case(
        "integers",
        [np.array([5, 6, 7]), np.array([[-1], [0], [0]]), np.array([1, 2, 3])],
        [np.array([10, 6, 8])],
        {"reduction": "add"},
        dtypes=FLOAT32,
    ),
    Case(
        "bool",
        [np.array([True, False]), np.array([[1]]), np.array([True])],
        [np.array([True, True])],
        {"reduction": "none"},
        dtypes=FLOAT32,
    ),
]
