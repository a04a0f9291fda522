"""Cells one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.layers.layer import Layer
from cornu.layers.recurrent.protocol import as_list, build_cell, check_cell, initial_states, output_shape, run_step


class StackedRNNCells(Layer):
    """One cell made of several: each gets the output of the one before.

    Args:
        cells: The cells, from the inputs on.

    Raises:
        ValueError: If there is none, or one lacks `call` or `state_size`.

    Shape:
        `(batch, features)` and a list with the states of each cell → the last cell's output and the next states.

    Example:
        >>> import cornu
        >>> layers = cornu.layers
        >>> cells = layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(2)])
        >>> cells.state_size, layers.RNN(cells)(cornu.ops.ones((1, 5, 3))).shape
        ([[4, 4], 2], (1, 2))
    """

    def __init__(self, cells: Sequence[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            check_cell(self, cell)
        if not cells:
            raise ValueError(f"StackedRNNCells '{self.name}': `cells` is empty; give at least one cell.")
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """The size of the last cell's output."""
        shape = output_shape(self.cells[-1])
        return shape[0] if len(shape) == 1 else shape

    def build(self, input_shape: Any) -> None:
        """Builds the cells."""
        for cell in self.cells:
            build_cell(cell, input_shape)
            input_shape = (input_shape[0], *output_shape(cell))

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """The states of each cell before the first step, a list for each."""
        return [initial_states(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def call(self, inputs: Any, states: Any, training: bool = False, **kwargs: Any) -> Any:
        after = []
        for cell, before in zip(self.cells, states, strict=True):
            inputs, last = run_step(cell, inputs, as_list(before), training)
            after.append(last)
        return inputs, after

    def draw_masks(self, step_input: Any, states: Any) -> None:
        """Draws the masks of the cells' dropout, which stay the same through all steps."""
        for cell, before in zip(self.cells, states, strict=True):
            if hasattr(cell, "draw_masks"):
                cell.draw_masks(step_input, before)
            step_input = ops.zeros((ops.shape(step_input)[0], *output_shape(cell)), step_input.dtype)

    def reset_masks(self) -> None:
        """Makes the next call draw new masks."""
        for cell in self.cells:
            if hasattr(cell, "reset_masks"):
                cell.reset_masks()

    def get_config(self) -> dict[str, Any]:
        from cornu.saving import serialize_keras_object

        return {**super().get_config(), "cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> StackedRNNCells:
        """Makes a layer of `get_config`'s result."""
        from cornu.saving import deserialize_keras_object

        cells = [deserialize_keras_object(cell, custom_objects=custom_objects) for cell in config["cells"]]
        return cls(**{**config, "cells": cells})
