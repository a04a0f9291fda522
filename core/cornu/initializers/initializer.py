"""What every initializer is: a shape and a dtype in, first values out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.ir.types import numpy_dtype
from cornu.tracing.tensor import Tensor, convert
from cornu.utils.dtypes import resolve_dtype


class Initializer:
    """Base of the initializers: a subclass says how values are drawn, `__call__` makes a tensor of them.

    Subclasses of users override `__call__(shape, dtype=None)`, as in Keras; the built-in ones override `draw`.

    Example:
        >>> class Fifth(Initializer):
        ...     def draw(self, shape, dtype):
        ...         return np.full(shape, 0.2, dtype)
        >>> Fifth()((2,)).shape
        (2,)
    """

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> Tensor:
        """The first value of a variable.

        Args:
            shape: The sizes.
            dtype: The element type; None is the configured float type.

        Returns:
            A tensor of that shape and dtype.
        """
        name = resolve_dtype(dtype)
        return convert(np.asarray(self.draw(tuple(shape), numpy_dtype(name))), name)

    def draw(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """The values as an array on the host.

        Raises:
            TypeError: If a subclass overrides neither this nor `__call__`.
        """
        raise TypeError(f"{type(self).__name__} must override `__call__(shape, dtype=None)`.")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """An initializer from its constructor's arguments."""
        return cls(**config)

    def clone(self) -> Initializer:
        """A new initializer with the same arguments."""
        return type(self).from_config(self.get_config())
