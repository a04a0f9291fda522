"""What a cell is, a built-in one or a user's: `call(inputs, states)`, `state_size`, and what it may have besides."""

from __future__ import annotations

import inspect
from typing import Any

from cornu import ops, tree
from cornu.layers.layer import Layer


def check_cell(owner: Any, cell: Any) -> None:
    """Checks that something is a cell.

    Raises:
        ValueError: If it lacks `call` or `state_size`, or the latter is no integer or list of them.
    """
    where = f"{type(owner).__name__} '{owner.name}'"
    if not callable(getattr(cell, "call", None)):
        raise ValueError(f"{where}: a cell must have a method `call`, got {cell!r}.")
    if not hasattr(cell, "state_size"):
        raise ValueError(f"{where}: a cell must have an attribute `state_size`, got {cell!r}.")
    if not all(isinstance(size, int) for size in tree.flatten(cell.state_size)):
        raise ValueError(f"{where}: `state_size` must be an integer or a list of them, got {cell.state_size!r}.")


def as_list(states: Any) -> list[Any]:
    """States as a list, a lone one too."""
    return list(states) if isinstance(states, (list, tuple)) else [states]


def initial_states(cell: Any, batch_size: Any, dtype: str) -> list[Any]:
    """A cell's states before the first step: what it says, or zeros of a dtype."""
    if callable(getattr(cell, "get_initial_state", None)):
        return as_list(cell.get_initial_state(batch_size=batch_size))
    dtype = getattr(cell, "compute_dtype", dtype)
    return as_list(tree.map_structure(lambda size: ops.zeros((batch_size, size), dtype), cell.state_size))


def output_shape(cell: Any) -> tuple[int, ...]:
    """The shape of a cell's output, without the batch: `output_size`, or else the first of `state_size`."""
    size = getattr(cell, "output_size", None)
    if size is None:
        size = as_list(cell.state_size)[0]
    return tuple(size) if isinstance(size, (list, tuple)) else (size,)


def build_cell(cell: Any, input_shape: Any) -> None:
    """Builds a cell that is a layer and not built yet."""
    if isinstance(cell, Layer) and not cell.built:
        cell.build(input_shape)


def run_step(cell: Any, inputs: Any, states: Any, training: bool | None) -> tuple[Any, Any]:
    """One step of a cell: its output and its next states, in the structure of those before.

    Raises:
        ValueError: If the cell returns other states than it got.
    """
    takes_training = "training" in inspect.signature(cell.call).parameters
    run = cell if callable(cell) else cell.call
    output, after = run(inputs, states, training=training) if takes_training else run(inputs, states)
    leaves, wanted = tree.flatten(after), tree.flatten(states)
    shapes, wanted_shapes = ([tuple(leaf.shape) for leaf in each] for each in (leaves, wanted))
    if len(shapes) != len(wanted_shapes) or not all(map(agree, shapes, wanted_shapes)):
        raise ValueError(
            f"The cell {getattr(cell, 'name', cell)!r} got states of shapes {wanted_shapes} and returned {shapes}."
        )
    return output, tree.pack(states, [ops.cast(new, old.dtype) for new, old in zip(leaves, wanted, strict=True)])


def agree(found: Any, wanted: Any) -> bool:
    """Whether two shapes can be the same."""
    pairs = zip(found, wanted, strict=False)
    return len(found) == len(wanted) and all(a == b or a is None or b is None for a, b in pairs)
