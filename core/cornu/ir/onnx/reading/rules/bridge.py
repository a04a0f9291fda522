"""Functions of `cornu.ops` and composites, recorded where an operator is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cornu import tree
from cornu.ir.onnx.reading.reader import GraphReader
from cornu.ir.program import Value


def record(r: GraphReader, function: Callable[..., Any], *values: Value | None) -> list[Value]:
    """Records what a function makes of tensors.

    Args:
        r: The reader.
        function: It takes a tensor for each value, and None for None.
        values: The tensors.

    Returns:
        Its results in order.
    """
    from cornu.tracing.tensor import TracedTensor, convert, value_of
    from cornu.tracing.trace import Trace, recording

    trace = Trace(r.b.name)
    trace.builder = r.b
    given = [None if value is None else TracedTensor(r.b.own(value), trace) for value in values]
    with recording(trace):
        results = [convert(leaf) for leaf in tree.flatten(function(*given)) if leaf is not None]
        return [r.b.own(value_of(leaf, trace)) for leaf in results]
