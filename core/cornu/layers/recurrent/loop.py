"""The loop over time that recurrent layers run in: one node `Scan`, or written out step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from cornu import ops, tree
from cornu.ir.types import TensorType
from cornu.layers.layer import Layer
from cornu.tracing.trace import Trace, current_trace, recording

Step = Callable[[Any, Any], tuple[Any, Any]]


def over_time(
    step: Step,
    items: Any,
    states: Any,
    mask: Any = None,
    layer: Any = None,
    reverse: bool = False,
    unroll: bool = False,
    zero_output: bool = False,
) -> tuple[Any, Any]:
    """Does a step for each element of the first axis.

    Args:
        step: From the element of every tensor in `items` and the states to outputs and the next states.
        items: A structure of tensors that share their first axis; None stays None.
        states: The first states, a structure.
        mask: Booleans [time, batch, ...]: where false, the states stay and the last outputs are repeated. Before the
            first step that counts, that is the first state (of stacked cells, that of the last one) where it has the
            output's shape, else zeros.
        layer: The layer that the step calls: it gets the sum of what it adds to its losses in all steps.
        reverse: Whether to go from the last element to the first.
        unroll: Whether to write the steps out one after another, where their number is known. As in Keras, masked
            outputs then start from zeros, and `zero_output` has no effect.
        zero_output: Whether masked outputs are zeros instead.

    Returns:
        The outputs, stacked where their elements are, and the last states.
    """
    carry = states
    if mask is not None:
        zero_output = zero_output and not unroll
        carry = (states, () if zero_output else _resting(step, items, states, layer, zeros=unroll))
        step, items = _masked(step, zero_output), (items, mask)

    def body(carry: Any, item: Any) -> tuple[Any, Any]:
        with _taking_losses(layer) as losses:
            outputs, carry = step(item, carry)
        return carry, (outputs, losses)

    count = ops.shape(next(leaf for leaf in tree.flatten(items) if leaf is not None))[0]
    written_out = unroll and isinstance(count, int) and count > 0
    run = _write_out if written_out else ops.scan
    carry, (outputs, losses) = run(body, carry, items, reverse=reverse)
    for loss in losses:
        layer.add_loss(ops.sum(loss))
    return outputs, carry if mask is None else carry[0]


def _write_out(body: Step, carry: Any, items: Any, reverse: bool) -> tuple[Any, Any]:
    """As `ops.scan`, but without a loop."""
    leaves = tree.flatten(items)
    columns = [ops.unstack(leaf) if leaf is not None else None for leaf in leaves]
    count = next(len(column) for column in columns if column is not None)
    results: list[Any] = [None] * count
    for i in reversed(range(count)) if reverse else range(count):
        row = [column[i] if column is not None else None for column in columns]
        carry, results[i] = body(carry, tree.pack(items, row))
    return carry, tree.map_structure(lambda *parts: ops.stack(parts), *results)


def _masked(step: Step, zero_output: bool) -> Step:
    """A step on `(item, mask)` and `(states, last output)`."""

    def run(pair: Any, carry: Any) -> tuple[Any, Any]:
        item, mask = pair
        states, last = carry
        outputs, after = step(item, states)
        after = tree.map_structure(lambda new, old: _choose(mask, new, old), after, states)
        if zero_output:
            return tree.map_structure(lambda new: _choose(mask, new, ops.zeros_like(new)), outputs), (after, ())
        outputs = tree.map_structure(lambda new, old: _choose(mask, new, old), outputs, last)
        return outputs, (after, outputs)

    return run


def _choose(mask: Any, new: Any, old: Any) -> Any:
    """`new` in the rows where the mask is true, `old` in the others."""
    for _ in range(len(new.shape) - len(mask.shape)):
        mask = ops.expand_dims(mask, -1)
    return ops.where(mask, new, old)


def _resting(step: Step, items: Any, states: Any, layer: Any, zeros: bool) -> Any:
    """What a masked loop outputs before its first step that counts."""
    trace = Trace("outputs", current_trace(), lift=current_trace() is None)
    with recording(trace), _taking_losses(layer):
        first = tree.map_structure(lambda leaf: leaf[0], items, none_is_leaf=False)
        types = tree.map_structure(lambda leaf: leaf.type, step(first, states)[0])
    state = _first_state(states)

    def fill(type: TensorType) -> Any:
        return ops.zeros(type.shape, type.dtype) if zeros or state.type != type else state

    return tree.map_structure(fill, types)


def _first_state(states: Any) -> Any:
    while isinstance(states, (list, tuple)):
        nested = all(isinstance(item, (list, tuple)) for item in states)
        states = states[-1] if nested else states[0]
    return states


@contextmanager
def _taking_losses(layer: Any) -> Iterator[list[Any]]:
    """What a layer and those inside it add to their losses meanwhile, taken from them."""
    inner = list(layer._flatten_layers()) if isinstance(layer, Layer) else []
    before = [len(part._losses) for part in inner]
    taken: list[Any] = []
    yield taken
    for part, count in zip(inner, before, strict=True):
        taken += part._losses[count:]
        del part._losses[count:]
