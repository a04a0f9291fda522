"""The placeholders of functional models: a type and the operation that made them, without numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, NamedTuple

from cornu import tree
from cornu.backend.config import floatx
from cornu.ir.dim import Dim, DimLike, symbol
from cornu.ir.types import TensorType
from cornu.tracing.tensor import Arithmetic, Tensor, TracedTensor
from cornu.tracing.trace import Trace, recording

BATCH = "batch"
_FRESH = count()


class History(NamedTuple):
    """Where a symbolic tensor comes from."""

    operation: Any
    node_index: int
    tensor_index: int


class KerasTensor(Arithmetic):
    """A symbolic tensor: arithmetic and layers on it build a model.

    Args:
        shape: Sizes; None where one is free. The first axis is the batch; all free batch axes are the same size.
        dtype: The element type.
        sparse: Must be False: there are no sparse tensors here.
        name: A name.

    Example:
        >>> from cornu import KerasTensor
        >>> (KerasTensor((None, 3)) * 2.0).shape
        (None, 3)
    """

    def __init__(
        self,
        shape: Sequence[int | Dim | None],
        dtype: str | None = "float32",
        sparse: bool = False,
        record_history: bool = True,
        name: str | None = None,
    ) -> None:
        if sparse:
            raise ValueError(f"KerasTensor {name or ''}: sparse tensors are not supported; use a dense one.")
        number = next(_FRESH)
        self.name = name or f"keras_tensor_{number}"
        self.type = TensorType(dtype or floatx(), tuple(_dim(size, axis, self.name) for axis, size in enumerate(shape)))
        self.record_history = record_history
        self.sparse = False
        self._keras_history: History | None = None
        self._keras_mask: Any = None
        self.handed_on = False  # whether layers made it, or pass it on, as the mask of another tensor

    @classmethod
    def of(cls, type: TensorType, name: str | None = None) -> KerasTensor:
        """A symbolic tensor of a type with exact sizes."""
        return cls(type.shape, type.dtype, name=name)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The sizes; None where one is free."""
        return tuple(None if isinstance(dim, Dim) else dim for dim in self.type.shape)

    @property
    def dtype(self) -> str:  # type: ignore[override]
        """The element type's name."""
        return self.type.dtype

    def __len__(self) -> int:
        raise TypeError(f"{self!r} is symbolic and has no length.")

    def __iter__(self) -> Any:
        raise TypeError(f"{self!r} is symbolic: use `ops.unstack` or `ops.split` instead of iterating over it.")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        raise TypeError(
            f"{self!r} is symbolic and has no numbers: in a functional model use layers and `cornu.ops`, not NumPy."
        )

    def __bool__(self) -> bool:
        raise TypeError(f"{self!r} is symbolic and has no truth value: use `ops.where` or `ops.cond`.")

    def __int__(self) -> int:
        raise TypeError(f"{self!r} is symbolic and has no value.")

    __float__ = __index__ = __int__

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


def _dim(size: int | Dim | None, axis: int, name: str) -> DimLike:
    if size is None:
        return symbol(BATCH if axis == 0 else f"{name}_{axis}")
    if isinstance(size, Dim):
        return size
    if int(size) < 0:
        raise ValueError(f"KerasTensor {name}: sizes must not be negative, got {size} on axis {axis}.")
    return int(size)


def is_symbolic(*structures: Any) -> bool:
    """True if a KerasTensor is among the leaves."""
    return any(isinstance(leaf, KerasTensor) for leaf in tree.flatten(structures))


def infer_outputs(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What `fn` returns for symbolic tensors, found by tracing it into a program that is thrown away.

    Returns:
        The function's result with a KerasTensor in the place of each tensor.
    """
    trace = Trace("output_spec")
    given: dict[int, TracedTensor] = {}

    def enter(leaf: Any) -> Any:
        if not isinstance(leaf, KerasTensor):
            return leaf
        if id(leaf) not in given:
            given[id(leaf)] = TracedTensor(trace.builder.input(leaf.type, leaf.name), trace)
        return given[id(leaf)]

    args, kwargs = tree.map_structure(enter, (list(args), kwargs))
    with recording(trace):
        result = fn(*args, **kwargs)
    return tree.map_structure(lambda leaf: KerasTensor.of(leaf.type) if isinstance(leaf, Tensor) else leaf, result)
