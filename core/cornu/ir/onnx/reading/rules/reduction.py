"""Reading reductions, running totals, sorting and indexing."""

from __future__ import annotations

from cornu.ir.onnx.reading.nodes import OnnxNode
from cornu.ir.onnx.reading.reader import GraphReader
from cornu.ir.onnx.registry import reads
from cornu.ir.program import Value

_REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceProd", "ReduceMax", "ReduceMin")


@reads(*_REDUCTIONS, "ReduceSumSquare", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp")
def _reduce(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    rank = x.type.rank
    axes = r.ints(node, 1, "axes") if node.has(1) else node.get("axes")
    if not axes:
        if node.get("noop_with_empty_axes", 0):
            return x
        axes = tuple(range(rank))
    attributes = {
        "axes": tuple(sorted(node.on(axis, rank, "axes") for axis in axes)),
        "keepdims": bool(node.get("keepdims", 1)),
    }

    def reduced(op: str, value: Value) -> Value:
        return r.b.emit(op, (value,), attributes)[0]

    if node.op in _REDUCTIONS:
        return reduced(node.op, x)
    if node.op == "ReduceL1":
        return reduced("ReduceSum", r.b.Abs(x))
    if node.op == "ReduceLogSum":
        return r.b.Log(reduced("ReduceSum", x))  # type: ignore[no-any-return]
    if node.op == "ReduceLogSumExp":
        kept = {**attributes, "keepdims": True}
        largest = r.b.emit("ReduceMax", (x,), kept)[0]
        total = r.b.Log(reduced("ReduceSum", r.b.Exp(r.b.Sub(x, largest))))
        return r.b.Add(total, r.b.Reshape(largest, shape=r.shape(total)))  # type: ignore[no-any-return]
    squares = reduced("ReduceSum", r.b.Mul(x, x))
    return r.b.Sqrt(squares) if node.op == "ReduceL2" else squares


@reads("ArgMax", "ArgMin")
def _argument(r: GraphReader, node: OnnxNode) -> Value:
    if node.get("select_last_index", 0):
        raise node.error("select_last_index=1 is not supported.")
    x = r.given(node, 0)
    attributes = {"axis": node.axis(x.type.rank, 0), "keepdims": bool(node.get("keepdims", 1))}
    return r.b.emit(node.op, (x,), attributes)[0]


@reads("CumSum", "CumProd")
def _cumulative(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    (axis,) = r.ints(node, 1, "axis")
    attributes = {"exclusive": bool(node.get("exclusive", 0)), "reverse": bool(node.get("reverse", 0))}
    return r.b.emit(node.op, (x,), {"axis": node.on(axis, x.type.rank), **attributes})[0]


@reads("TopK")
def _top_k(r: GraphReader, node: OnnxNode) -> tuple[Value, ...]:
    x = r.given(node, 0)
    (k,) = r.dims(node, 1, "k") if node.has(1) else (node.get("k"),)
    attributes = {"largest": bool(node.get("largest", 1)), "sorted": bool(node.get("sorted", 1))}
    return r.b.emit("TopK", (x,), {"k": k, "axis": node.axis(x.type.rank, -1), **attributes})


# -- indexing ------------------------------------------------------------------------------------------------------


@reads("Gather", "GatherElements")
def _gather(r: GraphReader, node: OnnxNode) -> Value:
    x, indices = r.all(node)
    return r.b.emit(node.op, (x, indices), {"axis": node.axis(x.type.rank, 0)})[0]


@reads("GatherND")
def _gather_nd(r: GraphReader, node: OnnxNode) -> Value:
    if node.get("batch_dims", 0):
        raise node.error("batch_dims is not supported.")
    return r.b.GatherND(*r.all(node))  # type: ignore[no-any-return]


@reads("ScatterElements", "ScatterND")
def _scatter(r: GraphReader, node: OnnxNode) -> Value:
    data, indices, updates = r.all(node)
    attributes = {"reduction": node.get("reduction", "none")}
    if node.op == "ScatterElements":
        attributes["axis"] = node.axis(data.type.rank, 0)
    return r.b.emit(node.op, (data, indices, updates), attributes)[0]


@reads("OneHot")
def _one_hot(r: GraphReader, node: OnnxNode) -> Value:
    """Negative indices count from the end; the values are `[off, on]`."""
    indices, values = r.given(node, 0), r.given(node, 2)
    (depth,) = r.dims(node, 1, "depth")
    rank = indices.type.rank + 1
    axis = node.axis(rank, -1)
    shape = r.shape(indices)
    whole = r.b.Cast(indices, to="int64") if indices.dtype != "int64" else indices
    count = r.b.DimValue(size=depth)
    wrapped = r.b.Where(r.b.Less(whole, 0), r.b.Add(whole, count), whole)
    column = r.b.Reshape(wrapped, shape=(*shape[:axis], 1, *shape[axis:]))
    row = r.b.Range(start=0, step=1, size=depth, dtype="int64")
    places = r.b.Reshape(row, shape=tuple(depth if i == axis else 1 for i in range(rank)))
    off, on = (r.b.Reshape(part, shape=()) for part in r.b.emit("Split", (values,), {"axis": 0, "sizes": (1, 1)}))
    return r.b.Where(r.b.Equal(column, places), on, off)  # type: ignore[no-any-return]


@reads("GlobalAveragePool", "GlobalMaxPool")
def _global_pool(r: GraphReader, node: OnnxNode) -> Value:
    x = r.given(node, 0)
    op = "ReduceMean" if node.op == "GlobalAveragePool" else "ReduceMax"
    return r.b.emit(op, (x,), {"axes": tuple(range(2, x.type.rank)), "keepdims": True})[0]
