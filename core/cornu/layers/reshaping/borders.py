"""What croppings and zero paddings share: how much of each end of the spatial axes."""

from __future__ import annotations

from typing import Any

from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.settings import standard_data_format

Borders = tuple[tuple[int, int], ...]


class Bordered(Layer):
    """A layer with a width for both ends of each spatial axis."""

    rank: int
    argument: str

    def __init__(self, widths: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._borders = self._standard(widths)
        # In one dimension the pair itself, without a tuple around it, as in Keras's configs.
        setattr(self, self.argument, self._borders if self.rank > 1 else self._borders[0])
        self.data_format = standard_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _standard(self, widths: Any) -> Borders:
        if isinstance(widths, int):
            widths = (widths,) * self.rank
        elif self.rank == 1:
            widths = (widths,)
        pairs = [self._pair(item) for item in widths] if isinstance(widths, (tuple, list)) else []
        if len(pairs) != self.rank or None in pairs:
            each = "a tuple of 2 of them" if self.rank == 1 else f"a tuple of {self.rank} of them or of pairs of them"
            raise ValueError(
                f"{type(self).__name__} layer '{self.name}': `{self.argument}` must be a non-negative integer or "
                f"{each}, got {widths!r}."
            )
        return tuple(pair for pair in pairs if pair is not None)

    @staticmethod
    def _pair(item: Any) -> tuple[int, int] | None:
        pair = (item, item) if isinstance(item, int) else tuple(item) if isinstance(item, (tuple, list)) else ()
        return pair if len(pair) == 2 and all(isinstance(width, int) and width >= 0 for width in pair) else None

    @property
    def _first(self) -> int:
        """The first spatial axis."""
        return 1 if self.data_format == "channels_last" else 2

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            self.argument: getattr(self, self.argument),
            "data_format": self.data_format,
        }
