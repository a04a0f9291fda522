"""Variables: the state that programs read and change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from cornu.backend.config import current_device, floatx
from cornu.backend.contract import Backend
from cornu.ir.dim import Dim
from cornu.ir.shapes import SizeConflictError
from cornu.ir.types import TensorType, is_float
from cornu.tracing.donation import Donation
from cornu.tracing.eager import record_reading
from cornu.tracing.tensor import (
    Arithmetic,
    ConcreteTensor,
    Tensor,
    TracedTensor,
    convert,
    from_numpy,
    to_array,
    value_of,
)
from cornu.tracing.trace import Trace, current_trace, recording

AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")


class Variable(Arithmetic):
    """A tensor that keeps its shape and dtype and changes its value.

    Args:
        initializer: An initial value, or a function `(shape, dtype=...)` that makes one.
        shape: The shape; needed with a function.
        dtype: The element type; of the initial value if it has one, else the configured float type.
        trainable: Whether training changes it.
        autocast: Whether a mixed-precision policy may hand out a cast copy.
        aggregation: How replicas are combined: None, "none", "mean", "sum" or "only_first_replica".
        synchronization: Kept for Keras's signature: "auto", "none", "on_write" or "on_read".
        name: A name; made up if missing.

    Raises:
        ValueError: If the shape is missing, not fully known, or not that of the initial value.

    Example:
        >>> import cornu
        >>> counter = cornu.Variable(0, dtype="int32")
        >>> counter.assign_add(2)
        >>> int(counter)
        2
    """

    def __init__(
        self,
        initializer: Any,
        shape: Sequence[int] | None = None,
        dtype: str | None = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        synchronization: str = "auto",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs:
            raise TypeError(f"Variable got unexpected arguments: {', '.join(kwargs)}.")
        if aggregation not in AGGREGATIONS:
            raise ValueError(f"Variable: aggregation must be one of {AGGREGATIONS}, got {aggregation!r}.")
        self.name = name if name is not None else _auto_name()
        self.path = self.name
        self._trainable = bool(trainable)
        self._autocast = autocast
        self.aggregation = aggregation
        self.synchronization = synchronization
        self._regularizer: Any = None
        self._constraint: Any = None
        self.overwrite_with_gradient = False
        self._version = 0
        array = self._initial(initializer, shape, dtype)
        self.static_shape: tuple[int, ...] = array.shape
        with recording(None):
            tensor = from_numpy(array)
        self._type = tensor.type
        self._tensor: ConcreteTensor | Donation = tensor

    def _initial(self, initializer: Any, shape: Sequence[int] | None, dtype: Any) -> np.ndarray:
        dtype = None if dtype is None else str(dtype)
        with recording(None):
            if callable(initializer) and not isinstance(initializer, (Tensor, Variable)):
                if shape is None:
                    raise ValueError(f"Variable {self.name}: an initializer function needs a shape.")
                if any(size is None or size < 0 for size in shape):
                    raise ValueError(f"Variable {self.name}: shape {tuple(shape)} is not fully known.")
                made = initializer(tuple(shape), dtype=dtype or floatx())
                array = to_array(made, dtype or floatx())
            else:
                if dtype is None and not hasattr(initializer, "dtype"):
                    dtype = floatx() if np.asarray(initializer).dtype.kind == "f" else None
                array = to_array(convert(initializer), dtype)
        if shape is not None and array.shape != tuple(shape):
            raise ValueError(f"Variable {self.name}: expected shape {tuple(shape)}, the value has {array.shape}.")
        return array

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def value(self) -> Tensor:
        """The value: of this moment, or of this point of the program that is being traced."""
        trace = current_trace()
        if trace is not None:
            return TracedTensor(trace.read(self), trace)
        tensor = self.concrete()
        record_reading(self, tensor)
        return tensor

    def concrete(self) -> ConcreteTensor:
        """The value outside any trace; if another thread's step is updating it, that which it gets.

        Raises:
            RuntimeError: If a step that failed has used it up.
        """
        while isinstance(held := self._tensor, Donation):
            held.wait(self)
        return held

    def __cornu_tensor__(self) -> Tensor:
        return maybe_autocast(self)

    @property
    def dtype(self) -> str:  # type: ignore[override]
        """The element type's name."""
        return self._type.dtype

    @property
    def type(self) -> TensorType:
        """Dtype and shape."""
        return self._type

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape."""
        return self.static_shape

    def numpy(self) -> np.ndarray:
        """A copy on the host."""
        return self.value.numpy()  # type: ignore[attr-defined,no-any-return]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.value.__array__(dtype)  # type: ignore[attr-defined,no-any-return]

    def __int__(self) -> int:
        return int(self.value)  # type: ignore[call-overload,no-any-return]

    def __float__(self) -> float:
        return float(self.value)  # type: ignore[arg-type]

    def __bool__(self) -> bool:
        return bool(self.value)

    def __len__(self) -> int:
        return len(self.value)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}>"

    # -- writing -------------------------------------------------------------------------------------------------

    def assign(self, value: Any) -> Tensor:
        """Replaces the value.

        Raises:
            ValueError: If the shape is another.
        """
        tensor = convert(value, self.dtype)
        trace = current_trace()
        if trace is not None:
            tensor = TracedTensor(trace.builder.own(value_of(tensor, trace)), trace)
            self._unify(tensor, trace)
        if tensor.type.shape != self.static_shape:
            raise ValueError(
                f"Variable {self.path}: expected a value of shape {self.static_shape}, got {tensor.shape}."
            )
        if isinstance(tensor, TracedTensor):
            tensor._trace.write(self, tensor._value)
        else:
            assert isinstance(tensor, ConcreteTensor)
            self.replace(tensor)
        return tensor

    def _unify(self, tensor: TracedTensor, trace: Trace) -> None:
        """Makes symbolic sizes of a value to be assigned what they must be."""
        if tensor.ndim == len(self.static_shape):
            for axis, size in enumerate(self.static_shape):
                dim = tensor.type.shape[axis]
                if isinstance(dim, Dim):
                    trace.builder.unify(SizeConflictError(dim, size, f"Assignment to {self.path}"))

    def replace(self, tensor: ConcreteTensor) -> None:
        """Takes over a tensor of the right type as the new value."""
        self._tensor = tensor
        self._version += 1

    def exchange(self, held: ConcreteTensor | Donation, other: ConcreteTensor | Donation) -> bool:
        """Gives a value to a step or takes it back, unless the variable has come to hold something else."""
        same = self._tensor is held
        if same:
            self._tensor = other
        return same

    def assign_add(self, value: Any) -> Tensor:
        """Adds to the value."""
        return self.assign(self.value + convert(value, self.dtype))

    def assign_sub(self, value: Any) -> Tensor:
        """Subtracts from the value."""
        return self.assign(self.value - convert(value, self.dtype))

    @property
    def version(self) -> int:
        """A number that grows with every assignment."""
        return self._version

    def move_to(self, backend: Backend) -> None:
        """Moves the value into another backend's memory."""
        self.concrete().buffer(backend, current_device())

    # -- settings ------------------------------------------------------------------------------------------------

    @property
    def trainable(self) -> bool:
        """Whether training changes it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)

    @property
    def autocast(self) -> bool:
        """Whether a mixed-precision policy may hand out a cast copy."""
        return self._autocast

    @property
    def regularizer(self) -> Any:
        """A function of the value whose result is added to the loss."""
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value: Callable[..., Any] | None) -> None:
        if value is not None and not callable(value):
            raise ValueError(f"Variable {self.path}: a regularizer is a function, got {value!r}.")
        self._regularizer = value

    @property
    def constraint(self) -> Any:
        """A function applied to the value after each update."""
        return self._constraint

    @constraint.setter
    def constraint(self, value: Callable[..., Any] | None) -> None:
        if value is not None and not callable(value):
            raise ValueError(f"Variable {self.path}: a constraint is a function, got {value!r}.")
        self._constraint = value


_COUNT = 0


def _auto_name() -> str:
    global _COUNT
    _COUNT += 1
    return "variable" if _COUNT == 1 else f"variable_{_COUNT - 1}"


_AUTOCAST: ContextVar[str | None] = ContextVar("cornu_autocast", default=None)


class AutocastScope:
    """Within it, float variables that allow it read as `dtype` (None: as they are).

    Args:
        dtype: The dtype to read as.
    """

    def __init__(self, dtype: str | None) -> None:
        self.dtype = dtype

    def __enter__(self) -> AutocastScope:
        self._token = _AUTOCAST.set(self.dtype)
        return self

    def __exit__(self, *error: object) -> None:
        _AUTOCAST.reset(self._token)


def maybe_autocast(variable: Variable) -> Tensor:
    """The variable's value in the dtype that the current scope asks for."""
    dtype = _AUTOCAST.get()
    value = variable.value
    if dtype is None or not variable.autocast or not is_float(variable.dtype) or dtype == variable.dtype:
        return value
    return convert(value, dtype)
