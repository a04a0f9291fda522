"""Writing the composites LSTM, GRU and RNN as ONNX's operators of these names, where nothing reads residuals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from cornu.ir.onnx.registry import writes_call
from cornu.ir.onnx.writing.graph import GraphWriter
from cornu.ir.onnx.writing.pairing import BOTH
from cornu.ir.onnx.writing.rules.guards import guarded, write_nothing
from cornu.ir.program import Node


class _Gates(NamedTuple):
    """How ONNX's gates differ from the composite's.

    Args:
        order: The places of ONNX's gates among those of the composite, which are Keras's.
        zeros: How many biases of the state ONNX has that the composite has not, in units.
    """

    order: tuple[int, ...]
    zeros: int


_GATES = {"LSTM": _Gates((0, 3, 1, 2), 4), "GRU": _Gates((0, 1, 2), 0), "RNN": _Gates((0,), 1)}
_BY_GATES = ", by gates"


def _named(weight: str) -> str:
    """The name of a weight whose gates are in ONNX's order; one that was read from a model has it already."""
    return f"{weight.removesuffix(_BY_GATES)}{_BY_GATES}"


def _weights(w: GraphWriter, name: str, order: Sequence[int]) -> str:
    """[size, gates · units] as ONNX's [1, gates · units, size], with the gates in another order."""
    known = w.value_of(name)
    if known is not None:
        parts = np.split(known, len(order), axis=1)
        return w.model.weight(np.concatenate([parts[i] for i in order], axis=1).T[None], _named(name))
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
        return w.model.weight(np.concatenate([*parts, np.zeros(zeros, dtype)])[None], _named(name))
    if not zeros:
        return w.new("Reshape", name, w.ints((1, -1)))
    both = w.new("Concat", _reordered(w, name, order), w.constant(np.zeros(zeros, dtype)), axis=0)
    return w.new("Unsqueeze", both, w.ints((0,)))


Convert = Callable[[Sequence[str]], list[str]]
"""From the kernel, the recurrent kernel and the bias of one direction to ONNX's W, R and B."""


def _write(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str], convert: Convert) -> None:
    """The operator with an axis of directions added to its operands and taken from its results."""
    x, *operands = inputs
    both = node.attributes["direction"] == BOTH
    count = 2 if both else 1
    directions = [operands[i * len(operands) // count :][: len(operands) // count] for i in range(count)]
    weights = [_stacked(w, parts) for parts in zip(*(convert(given[:3]) for given in directions), strict=True)]
    states = list(zip(*(given[3:] for given in directions), strict=True))

    def run(g: GraphWriter, names: Sequence[str]) -> None:
        front, second = g.ints((0,)), g.ints((1,))
        first = [_stacked(g, [g.new("Unsqueeze", state, front) for state in parts]) for parts in states]
        results = len(names) // count
        raw = [g.model.names.unique(f"{name} by direction") for name in names[:results]]
        g.add(
            node.attributes["name"],
            [x, *weights, "", *first],
            raw,
            hidden_size=node.attributes["hidden_size"],
            direction=node.attributes["direction"],
            activations=_activations(node, count),
            linear_before_reset=1 if node.attributes["name"] == "GRU" else None,
        )
        for i, (given, axis, axes) in enumerate(zip(raw, (1, 0, 0), (second, front, front), strict=False)):
            parts = [given]
            if both:
                parts = [g.model.names.unique(f"{given} part") for _ in range(count)]
                g.add("Split", [given], parts, axis=axis, num_outputs=count if g.opset >= 18 else None)
            for k, part in enumerate(parts):
                g.add("Squeeze", [part, axes], [names[k * results + i]])

    def stay(g: GraphWriter, names: Sequence[str]) -> None:
        results = len(names) // count
        for k, given in enumerate(directions):
            write_nothing(g, node, k * results, names[k * results])
            for state, output in zip(given[3:], names[k * results + 1 : (k + 1) * results], strict=True):
                g.add("Identity", [state], [output])

    guarded(w, node, outputs, node.inputs[0].shape[:2], run, stay)


def _activations(node: Node, count: int) -> Sequence[str] | None:
    found: Sequence[str] | None = node.attributes.get("activations")
    return None if found is None else list(found) * count


def _stacked(w: GraphWriter, parts: Sequence[str]) -> str:
    """Tensors joined along the axis of directions; constants are joined at once."""
    if len(parts) == 1:
        return parts[0]
    known = [w.value_of(name) for name in parts]
    if any(array is None for array in known):
        return w.new("Concat", *parts, axis=0)
    return w.model.weight(np.concatenate([array for array in known if array is not None]), f"{parts[0]}, both ways")


@writes_call("LSTM")
@writes_call("GRU")
@writes_call("RNN")
def _recurrent(w: GraphWriter, node: Node, inputs: Sequence[str], outputs: Sequence[str]) -> Sequence[str] | None:
    gates = _GATES[node.attributes["name"]]
    zeros, dtype = gates.zeros * node.attributes["hidden_size"], np.dtype(node.inputs[0].dtype)

    def convert(given: Sequence[str]) -> list[str]:
        kernel, recurrent, bias = given
        weights = [_weights(w, kernel, gates.order), _weights(w, recurrent, gates.order)]
        return [*weights, _bias(w, bias, gates.order, zeros, dtype)]

    _write(w, node, inputs, outputs, convert)
    return None
