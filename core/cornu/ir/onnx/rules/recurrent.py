"""Writing the composites LSTM, GRU and RNN as ONNX's operators of these names, where nothing reads residuals."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cornu.ir.onnx.graph import GraphWriter
from cornu.ir.onnx.registry import writes_call
from cornu.ir.onnx.rules.composites import without_residuals
from cornu.ir.onnx.rules.guards import guarded, write_nothing
from cornu.ir.program import Node

# Places of ONNX's gates (input, output, forget, cell) among Keras's (input, forget, cell, output).
_LSTM_ORDER = (0, 3, 1, 2)
_GRU_ORDER = (0, 1, 2)


def _without_mask(operands: int) -> Callable[[Node], bool]:
    def fits(node: Node) -> bool:
        return without_residuals(node) and len(node.inputs) == operands

    return fits


def _weights(w: GraphWriter, name: str, order: Sequence[int]) -> str:
    """[size, gates · units] as ONNX's [1, gates · units, size], with the gates in another order."""
    known = w.value_of(name)
    if known is not None:
        parts = np.split(known, len(order), axis=1)
        return w.model.weight(np.concatenate([parts[i] for i in order], axis=1).T[None], f"{name}, by gates")
    turned = w.new("Transpose", name, perm=(1, 0))
    return w.new("Unsqueeze", _reordered(w, turned, order), w.ints((0,)))


def _reordered(w: GraphWriter, name: str, order: Sequence[int]) -> str:
    """Equal parts of the first axis in another order."""
    if tuple(order) == tuple(range(len(order))):
        return name
    parts = [w.model.names.unique(f"{name} part") for _ in order]
    w.add("Split", [name], parts, axis=0, num_outputs=len(order) if w.opset >= 18 else None)
    return w.new("Concat", *(parts[i] for i in order), axis=0)


def _bias(w: GraphWriter, name: str, order: Sequence[int], zeros: int, dtype: np.dtype) -> str:
    """ONNX's [1, 2 · gates · units]: the bias of the inputs, then that of the state (`zeros` of them)."""
    known = w.value_of(name)
    if known is not None:
        rows = known.reshape(-1, known.shape[-1])
        parts = [np.concatenate([np.split(row, len(order))[i] for i in order]) for row in rows]
        return w.model.weight(np.concatenate([*parts, np.zeros(zeros, dtype)])[None], f"{name}, by gates")
    if not zeros:
        return w.new("Reshape", name, w.ints((1, -1)))
    both = w.new("Concat", _reordered(w, name, order), w.constant(np.zeros(zeros, dtype)), axis=0)
    return w.new("Unsqueeze", both, w.ints((0,)))


def _write(
    w: GraphWriter, node: Node, x: str, weights: Sequence[str], states: Sequence[str], outputs: Sequence[str]
) -> None:
    """The operator with an axis of one direction added to its operands and taken from its results."""
    name = node.attributes["name"]
    front, second = w.ints((0,)), w.ints((1,))

    def run(g: GraphWriter, names: Sequence[str]) -> None:
        first = [g.new("Unsqueeze", state, front) for state in states]
        raw = [g.model.names.unique(f"{output} by direction") for output in names]
        g.add(
            name,
            [x, *weights, "", *first],
            raw,
            hidden_size=node.attributes["hidden_size"],
            direction=node.attributes["direction"],
            activations=node.attributes.get("activations"),
            linear_before_reset=1 if name == "GRU" else None,
        )
        for output, given, axes in zip(names, raw, (second, front, front), strict=False):
            g.add("Squeeze", [given, axes], [output])

    def stay(g: GraphWriter, names: Sequence[str]) -> None:
        write_nothing(g, node, 0, names[0])
        for state, output in zip(states, names[1:], strict=True):
            g.add("Identity", [state], [output])

    guarded(w, node, outputs, node.inputs[0].shape[:2], run, stay)


@writes_call("LSTM", since=14, fits=_without_mask(6))
def _lstm(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    x, kernel, recurrent, bias, h, c = inputs
    units = node.attributes["hidden_size"]
    dtype = np.dtype(node.inputs[0].dtype)
    weights = [_weights(w, kernel, _LSTM_ORDER), _weights(w, recurrent, _LSTM_ORDER)]
    _write(w, node, x, [*weights, _bias(w, bias, _LSTM_ORDER, 4 * units, dtype)], [h, c], outputs)
    return None


@writes_call("GRU", since=14, fits=_without_mask(5))
def _gru(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    x, kernel, recurrent, bias, h = inputs
    dtype = np.dtype(node.inputs[0].dtype)
    weights = [_weights(w, kernel, _GRU_ORDER), _weights(w, recurrent, _GRU_ORDER)]
    _write(w, node, x, [*weights, _bias(w, bias, _GRU_ORDER, 0, dtype)], [h], outputs)
    return None


@writes_call("RNN", since=14, fits=_without_mask(5))
def _rnn(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    x, kernel, recurrent, bias, h = inputs
    units = node.attributes["hidden_size"]
    dtype = np.dtype(node.inputs[0].dtype)
    weights = [_weights(w, kernel, (0,)), _weights(w, recurrent, (0,))]
    _write(w, node, x, [*weights, _bias(w, bias, (0,), units, dtype)], [h], outputs)
    return None
