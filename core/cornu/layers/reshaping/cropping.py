"""Layers that cut off the ends of the spatial axes."""

from __future__ import annotations

from typing import Any

from cornu.layers.reshaping.borders import Bordered


class BaseCropping(Bordered):
    """The input without the ends of its spatial axes.

    Args:
        cropping: How many elements are cut off: one number for all ends, one for each axis, or a pair
            `(before, after)` for each axis; in one dimension a number or a pair.
        data_format: "channels_last" or "channels_first"; the configured one if missing.

    Raises:
        ValueError: If `cropping` has another form, or leaves nothing of an axis.

    Shape:
        `(batch, *spatial, channels)` → `(batch, *new_spatial, channels)` with `new = size - before - after`.
    """

    argument = "cropping"

    def call(self, inputs: Any) -> Any:
        key: list[Any] = [slice(None)] * self._first
        for size, (before, after) in zip(inputs.shape[self._first :], self._borders, strict=False):
            if size is not None and size <= before + after:
                raise ValueError(
                    f"{type(self).__name__} layer '{self.name}': a cropping of ({before}, {after}) leaves nothing "
                    f"of an axis of {size}, got input shape {tuple(inputs.shape)}."
                )
            key.append(slice(before, -after if after else None))
        return inputs[tuple(key)]


class Cropping1D(BaseCropping):
    """Time steps cut off at both ends: see `BaseCropping`.

    Shape:
        `(batch, steps, channels)` → `(batch, steps - before - after, channels)`.

    Example:
        >>> import cornu
        >>> cornu.layers.Cropping1D((1, 2))(cornu.ops.ones((2, 5, 3))).shape
        (2, 2, 3)
    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(cropping, "channels_last", **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["data_format"]
        return config


class Cropping2D(BaseCropping):
    """The border of an image cut off: see `BaseCropping`.

    Example:
        >>> import cornu
        >>> cornu.layers.Cropping2D(((1, 2), (0, 1)))(cornu.ops.ones((2, 5, 6, 3))).shape
        (2, 2, 5, 3)
    """

    rank = 2

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)


class Cropping3D(BaseCropping):
    """The border of a volume cut off: see `BaseCropping`."""

    rank = 3

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)
