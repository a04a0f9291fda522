"""Elements before and after those of an axis: a number, the mirrored inside, or the edge repeated"""

from typing import Any

import numpy as np
from cornu.ir.dim import symbol

from cornu_conformance.case import ALL_FLOATS, INF, Case, draw

N = symbol("n")


def pads(before: Any, after: Any, value: float = 0.0, mode: str = "constant") -> dict[str, Any]:
    return {"before": before, "after": after, "value": value, "mode": mode}


def framed(x: np.ndarray, value: float) -> np.ndarray:
    y = np.full((x.shape[0] + 1, x.shape[1] + 3), value)
    y[:-1, 1:-2] = x
    return y


CASES = [
    Case("zeros", [draw(2, 3)], lambda x: framed(x, 0.0), pads((0, 1), (1, 2)), dtypes=ALL_FLOATS),
    Case("symbolic", [draw(2, 3)], lambda x: framed(x, 0.5), pads((0, 1), (1, 2), 0.5), ["n m"]),
    Case("symbolic_pad", [draw(2)], lambda x: np.array([0, 0, *x]), pads((N,), (0,)), ["n"]),
    Case("infinity", [draw(1, 2)], lambda x: framed(x, -INF), pads((0, 1), (1, 2), -INF), orders=0),
    Case("nothing", [draw(2, 3)], lambda x: x, pads((0, 0), (0, 0))),
    Case("empty", [np.zeros((0, 2))], [np.full((1, 2), 3.0)], pads((1, 0), (0, 0), 3.0), ["n _"]),
    Case("reflect", [draw(4)], lambda x: x[[2, 1, 0, 1, 2, 3, 2]], pads((2,), (1,), mode="reflect")),
    Case(
        "reflect_symbolic", [draw(2, 3)], lambda x: x[:, [1, 0, 1, 2, 1]], pads((0, 1), (0, 1), mode="reflect"), ["n m"]
    ),
    Case("edge", [draw(3, 2)], lambda x: x[[0, 0, 0, 1, 2, 2]], pads((2, 0), (1, 0), mode="edge")),
    Case(
        "edge_both", [draw(2, 3)], lambda x: x[[0, 0, 1]][:, [0, 1, 2, 2]], pads((1, 0), (0, 1), mode="edge"), ["n m"]
    ),
    Case("integers", [np.array([1, 2])], [np.array([7, 1, 2])], pads((1,), (0,), 7)),
    Case("bool", [np.array([True])], [np.array([False, True])], pads((1,), (0,), 0)),
]
