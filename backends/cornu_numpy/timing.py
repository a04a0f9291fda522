"""What the steps of a plan cost: for profiles."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from threading import get_ident
from typing import Any

import numpy as np
from cornu.backend.contract import NodeEvent
from cornu.ir.dim import substitute
from cornu.ir.onnx.registry import name_of
from cornu.ir.program import Node, Value
from cornu.ir.types import numpy_dtype


def timed(
    step: Callable[[Any], None], node: Node, sizes: Mapping[str, int], events: list[NodeEvent]
) -> Callable[[Any], None]:
    """A step that notes each of its runs.

    Args:
        step: The step.
        node: The node that it computes.
        sizes: The value of each symbol.
        events: Where runs are noted.
    """
    op, scope, size = name_of(node), node.scope, _bytes((*node.inputs, *node.outputs), sizes)

    def run(frame: Any) -> None:
        start = time.perf_counter()
        step(frame)
        events.append(NodeEvent(op, scope, start, time.perf_counter() - start, size, "", get_ident()))

    return run


def _bytes(values: Iterable[Value], sizes: Mapping[str, int]) -> int:
    return sum(
        int(np.prod([int(substitute(dim, sizes)) for dim in value.shape], dtype=np.int64))
        * numpy_dtype(value.dtype).itemsize
        for value in values
    )
