"""What layers that combine several inputs share."""

from __future__ import annotations

from typing import Any

from cornu import ops
from cornu.layers.layer import Layer


class Merge(Layer):
    """Combines a list of tensors.

    Raises:
        ValueError: If the input is no list of tensors that fit together.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Checks the shapes."""
        self._check_shapes(self._listed(input_shape))

    def _listed(self, input_shape: Any) -> list[tuple[int | None, ...]]:
        """The shapes of the inputs."""
        listed = isinstance(input_shape, (list, tuple)) and all(isinstance(s, (list, tuple)) for s in input_shape)
        if not listed or not input_shape:
            raise ValueError(
                f"{type(self).__name__} layer '{self.name}' should be called on a list of at least 1 input. "
                f"Received: input_shape={input_shape}"
            )
        return [tuple(shape) for shape in input_shape]

    def _check_shapes(self, shapes: list[tuple[int | None, ...]]) -> None:
        """Refuses shapes that do not fit together."""

    def combine(self, tensors: list[Any]) -> Any:
        """Combines the tensors."""
        raise TypeError(f"{type(self).__name__} must define `combine`.")

    def call(self, inputs: Any) -> Any:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(
                f"{type(self).__name__} layer '{self.name}' should be called on a list of inputs, got {inputs!r}."
            )
        return self.combine(list(inputs))

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True where any input's mask is; None if an input has none."""
        masks = self._masks(inputs, mask)
        if any(item is None for item in masks):
            return None
        merged = masks[0]
        for other in masks[1:]:
            merged = ops.logical_or(merged, other)
        return merged

    def _masks(self, inputs: Any, mask: Any) -> list[Any]:
        """The masks of the inputs, one for each or None.

        Raises:
            ValueError: If they are no list as long as that of the inputs.
        """
        if mask is None:
            return [None] * len(inputs)
        for label, value in (("inputs", inputs), ("mask", mask)):
            if not isinstance(value, (list, tuple)):
                raise ValueError(f"{type(self).__name__} layer '{self.name}': `{label}` must be a list, got {value!r}.")
        if len(mask) != len(inputs):
            raise ValueError(
                f"{type(self).__name__} layer '{self.name}': `inputs` and `mask` must have one length, got "
                f"{len(inputs)} and {len(mask)}."
            )
        return list(mask)
