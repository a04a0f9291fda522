"""Reading sums of products by letters, identity matrices, reversed sequences and the old name of a scatter."""

from __future__ import annotations

from cornu.ir.onnx.protos import DTYPE_OF_ELEMENT_TYPE
from cornu.ir.onnx.reading.nodes import OnnxNode
from cornu.ir.onnx.reading.reader import GraphReader
from cornu.ir.onnx.reading.rules.bridge import record
from cornu.ir.onnx.registry import READ, reads
from cornu.ir.program import Value


@reads("Einsum")
def _einsum(r: GraphReader, node: OnnxNode) -> Value:
    from cornu import ops

    equation = node.get("equation")
    return record(r, lambda *operands: ops.einsum(equation, *operands), *r.all(node))[0]


@reads("Scatter")
def _scatter(r: GraphReader, node: OnnxNode) -> Value:
    renamed = READ["ScatterElements"](r, _as_elements(node))
    assert isinstance(renamed, Value)
    return renamed


def _as_elements(node: OnnxNode) -> OnnxNode:
    node.op = "ScatterElements"
    return node


@reads("EyeLike")
def _eye_like(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    if x.type.rank != 2:
        raise node.error(f"its input must be a matrix, got rank {x.type.rank}.")
    number = node.get("dtype", 0)
    if number and number not in DTYPE_OF_ELEMENT_TYPE:
        raise node.error(f"programs do not have the element type {number}.")
    rows, columns = r.shape(x)
    row = r.b.Reshape(r.b.Range(start=node.get("k", 0), step=1, size=rows, dtype="int64"), shape=(rows, 1))
    column = r.b.Reshape(r.b.Range(start=0, step=1, size=columns, dtype="int64"), shape=(1, columns))
    return r.b.Cast(r.b.Equal(row, column), to=DTYPE_OF_ELEMENT_TYPE.get(number, x.dtype))  # type: ignore[no-any-return]


@reads("ReverseSequence")
def _reverse_sequence(r: GraphReader, node: OnnxNode) -> Value:
    """The first `lengths[i]` elements of sequence `i` backwards, the others where they are."""
    x, lengths = r.all(node)
    time, batch = node.axis(x.type.rank, 0, "time_axis"), node.axis(x.type.rank, 1, "batch_axis")
    if {time, batch} != {0, 1}:
        raise node.error(f"its time_axis and batch_axis must be 0 and 1, got {time} and {batch}.")
    shape = r.shape(x)
    steps = r.b.Range(start=0, step=1, size=shape[time], dtype="int64")
    step = r.b.Reshape(steps, shape=tuple(shape[time] if i == time else 1 for i in (0, 1)))
    whole = lengths if lengths.dtype == "int64" else r.b.Cast(lengths, to="int64")
    end = r.b.Reshape(whole, shape=tuple(shape[batch] if i == batch else 1 for i in (0, 1)))
    places = r.b.Where(r.b.Less(step, end), r.b.Sub(r.b.Sub(end, 1), step), r.b.Add(step, r.b.Mul(end, 0)))
    spread = r.b.Reshape(places, shape=(*r.shape(places), *(1,) * (len(shape) - 2)))
    return r.b.GatherElements(x, r.b.Expand(spread, shape=shape), axis=time)  # type: ignore[no-any-return]
