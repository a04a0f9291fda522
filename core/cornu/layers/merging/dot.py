"""Products of two inputs, sample by sample."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase
from typing import Any

from cornu import ops
from cornu.layers.merging.merge import Merge


class Dot(Merge):
    """The sums of products of two tensors along one axis of each, for every sample.

    Args:
        axes: The axis of both, or one for each; not the batch.
        normalize: Whether both are first divided by their norms along these axes: cosine similarity.

    Raises:
        TypeError: If `axes` is neither an integer nor a list or tuple.
        ValueError: If it holds not two integers, or the shapes do not fit.

    Shape:
        `(batch, *rest, n)` and `(batch, *more, n)` → `(batch, *rest, *more)`, for any places of the axis of size n;
        `(batch, 1)` if nothing else is left.

    Example:
        >>> import cornu
        >>> x, y = cornu.ops.array([[1.0, 2.0]]), cornu.ops.array([[3.0, 4.0]])
        >>> cornu.layers.Dot(axes=1)([x, y]).numpy().tolist()
        [[11.0]]
    """

    def __init__(self, axes: int | Sequence[int], normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, (int, list, tuple)):
            raise TypeError(f"Dot layer '{self.name}': `axes` must be an integer or a list of two, got {axes!r}.")
        pair = axes if isinstance(axes, (list, tuple)) else (axes, axes)
        if len(pair) != 2 or not all(isinstance(axis, int) for axis in pair):
            raise ValueError(f"Dot layer '{self.name}': `axes` must be an integer or a list of two, got {axes!r}.")
        self.axes = axes
        self.normalize = normalize

    def _pair(self) -> tuple[int, int]:
        return (self.axes, self.axes) if isinstance(self.axes, int) else (self.axes[0], self.axes[1])

    def _check_shapes(self, shapes: list[tuple[int | None, ...]]) -> None:
        what = f"Dot layer '{self.name}'"
        if len(shapes) != 2:
            raise ValueError(f"{what} should be called on a list of 2 inputs. Received: input_shape={shapes}")
        for axis, shape in zip(self._pair(), shapes, strict=True):
            if not -len(shape) < axis < len(shape) or axis == 0:
                raise ValueError(f"{what}: axis {axis} must be one of shape {shape} other than the batch.")
        first, second = (shape[axis] for axis, shape in zip(self._pair(), shapes, strict=True))
        batches = {shape[0] for shape in shapes} - {None}
        if None not in (first, second) and first != second:
            raise ValueError(f"{what}: sizes {first} and {second} of the axes {self.axes} differ. Shapes: {shapes}")
        if len(batches) > 1:
            raise ValueError(f"{what}: the batch sizes differ. Shapes: {shapes}")

    def combine(self, tensors: list[Any]) -> Any:
        axes = [axis % len(tensor.shape) for axis, tensor in zip(self._pair(), tensors, strict=True)]
        if self.normalize:
            tensors = [ops.normalize(tensor, axis=axis) for axis, tensor in zip(axes, tensors, strict=True)]
        # The batch is "a", the summed axis "b"; the others follow.
        letters = iter(ascii_lowercase[2:])
        terms = [
            "a" + "".join("b" if i == axis else next(letters) for i in range(1, len(tensor.shape)))
            for axis, tensor in zip(axes, tensors, strict=True)
        ]
        result = "a" + "".join(terms).replace("a", "").replace("b", "")
        outputs = ops.einsum(f"{terms[0]},{terms[1]}->{result}", *tensors)
        return ops.expand_dims(outputs, 1) if result == "a" else outputs

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """None: masks end here."""
        return None

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}
