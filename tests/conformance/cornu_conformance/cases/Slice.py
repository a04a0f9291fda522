"""Elements at start, start + step, ... before end, along some axes; as Python's range, nothing is clamped."""

from typing import Any

import numpy as np
from cornu.ir.dim import maximum, symbol

from cornu_conformance.case import ALL_FLOATS, Case, draw

N = symbol("n")


def bounds(starts: Any, ends: Any, axes: Any, steps: Any) -> dict[str, Any]:
    return {"starts": starts, "ends": ends, "axes": axes, "steps": steps}


CASES = [
    Case("typical", [draw(5, 4)], lambda x: x[1:4], bounds((1,), (4,), (0,), (1,)), dtypes=ALL_FLOATS),
    Case("two_axes", [draw(5, 4)], lambda x: x[1:4, 0:3], bounds((1, 0), (4, 3), (0, 1), (1, 1))),
    Case("steps", [draw(7, 3)], lambda x: x[[1, 3, 5]], bounds((1,), (6,), (0,), (2,))),
    Case("steps_with_rest", [draw(8)], lambda x: x[[0, 3, 6]], bounds((0,), (8,), (0,), (3,))),
    Case("reversed", [draw(4, 2)], lambda x: x[[3, 2, 1, 0]], bounds((3,), (-1,), (0,), (-1,))),
    Case("reversed_steps", [draw(6)], lambda x: x[[5, 3, 1]], bounds((5,), (-1,), (0,), (-2,))),
    Case("reversed_part", [draw(6)], lambda x: x[[4, 2]], bounds((4,), (1,), (0,), (-2,))),
    Case("symbolic_end", [draw(5, 2)], lambda x: x[1:], bounds((1,), (N,), (0,), (1,)), ["n _"]),
    Case("symbolic_part", [draw(5, 2)], lambda x: x[1:-1], bounds((1,), (maximum(N - 1, 1),), (0,), (1,)), ["n _"]),
    Case("symbolic_steps", [draw(6, 2)], lambda x: x[[0, 2, 4]], bounds((0,), (N,), (0,), (2,)), ["n _"]),
    Case("symbolic_reversed", [draw(3)], lambda x: x[[2, 1, 0]], bounds((N - 1,), (-1,), (0,), (-1,)), ["n"]),
    Case("nothing", [draw(5, 2)], lambda x: x[:0], bounds((2,), (2,), (0,), (1,))),
    Case("empty", [np.zeros((0, 3))], [np.zeros((0, 2))], bounds((1,), (3,), (1,), (1,)), ["n _"]),
    Case("integers", [np.arange(5)], [np.array([1, 3])], bounds((1,), (5,), (0,), (2,))),
    Case("uneven_steps", [draw(7, 8)], lambda x: x[[0, 2, 4]][:, [1, 4]], bounds((0, 1), (6, 7), (0, 1), (2, 3))),
]
