"""One layer for every step."""

from __future__ import annotations

from typing import Any

from cornu import ops, tree
from cornu.layers.core.wrapper import Wrapper
from cornu.layers.recurrent.loop import over_time


class TimeDistributed(Wrapper):
    """Calls a layer on every step of the second axis: `output[:, t] = layer(inputs[:, t])`.

    The steps are done one after another, so that layers with state, such as batch normalization, see each on its own.

    Args:
        layer: The layer.

    Raises:
        ValueError: If it is no layer, or the inputs have fewer than three axes.

    Shape:
        `(batch, time, ...)` → `(batch, time, ...)` with the layer's output for the rest.

    Example:
        >>> import cornu
        >>> layer = cornu.layers.TimeDistributed(cornu.layers.Conv2D(4, 3))
        >>> layer(cornu.ops.ones((2, 5, 8, 8, 3))).shape
        (2, 5, 6, 6, 4)
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def _step_shape(self, input_shape: Any) -> tuple[Any, ...]:
        plain = isinstance(input_shape, (list, tuple)) and all(isinstance(n, (int, type(None))) for n in input_shape)
        if not plain or len(input_shape) < 3:
            raise ValueError(
                f"TimeDistributed '{self.name}': the inputs must be one tensor [batch, time, ...] with at least three "
                f"axes, got shape {input_shape}."
            )
        return (input_shape[0], *input_shape[2:])

    def build(self, input_shape: Any) -> None:  # type: ignore[override]
        """Builds the layer for one step."""
        super().build(self._step_shape(input_shape))

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        self._step_shape(tuple(inputs.shape))
        if mask is not None:
            self._check_mask(inputs, mask)
        takes_mask = mask is not None and self.layer._accepts("mask")
        items = (ops.swapaxes(inputs, 0, 1), ops.swapaxes(mask, 0, 1) if takes_mask else None)

        def step(item: Any, states: Any) -> tuple[Any, Any]:
            more = {"mask": item[1]} if takes_mask else {}
            if self.layer._accepts("training"):
                more["training"] = training
            return self.layer(item[0], **more), states

        outputs, _ = over_time(step, items, (), layer=self.layer)
        return tree.map_structure(lambda leaf: ops.swapaxes(leaf, 0, 1), outputs)

    def _check_mask(self, inputs: Any, mask: Any) -> None:
        pairs = zip(mask.shape[:2], inputs.shape[:2], strict=False)
        if len(mask.shape) < 2 or any(a != b and None not in (a, b) for a, b in pairs):
            raise ValueError(
                f"TimeDistributed '{self.name}': the mask must begin with the axes [batch, time] of the inputs of "
                f"shape {tuple(inputs.shape)}, got shape {tuple(mask.shape)}."
            )
