"""Tensors as people hold them: concrete ones in a backend's memory, and traced ones inside a program."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from cornu.backend.config import current_backend, current_device
from cornu.backend.contract import Backend, Buffer
from cornu.ir.dim import Dim
from cornu.ir.program import Value
from cornu.ir.types import Shape, TensorType, dtype_name, numpy_dtype
from cornu.profiling import switch
from cornu.tracing.trace import Trace, current_trace

TensorLike: TypeAlias = Any


def _ops() -> Any:
    from cornu import ops

    return ops


class Arithmetic:
    """Python's operators, by way of `cornu.ops`: dtypes are promoted as there."""

    shape: Any
    dtype: str
    __array_priority__ = 1000

    def __add__(self, other: Any) -> Any:
        return _ops().add(self, other)

    def __radd__(self, other: Any) -> Any:
        return _ops().add(other, self)

    def __sub__(self, other: Any) -> Any:
        return _ops().subtract(self, other)

    def __rsub__(self, other: Any) -> Any:
        return _ops().subtract(other, self)

    def __mul__(self, other: Any) -> Any:
        return _ops().multiply(self, other)

    def __rmul__(self, other: Any) -> Any:
        return _ops().multiply(other, self)

    def __truediv__(self, other: Any) -> Any:
        return _ops().true_divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _ops().true_divide(other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _ops().floor_divide(self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _ops().floor_divide(other, self)

    def __mod__(self, other: Any) -> Any:
        return _ops().mod(self, other)

    def __rmod__(self, other: Any) -> Any:
        return _ops().mod(other, self)

    def __pow__(self, other: Any) -> Any:
        return _ops().power(self, other)

    def __rpow__(self, other: Any) -> Any:
        return _ops().power(other, self)

    def __matmul__(self, other: Any) -> Any:
        return _ops().matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return _ops().matmul(other, self)

    def __neg__(self) -> Any:
        return _ops().negative(self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return _ops().absolute(self)

    def __invert__(self) -> Any:
        return _ops().logical_not(self) if self.dtype == "bool" else _ops().bitwise_not(self)

    def __and__(self, other: Any) -> Any:
        return _ops().logical_and(self, other) if self.dtype == "bool" else _ops().bitwise_and(self, other)

    def __or__(self, other: Any) -> Any:
        return _ops().logical_or(self, other) if self.dtype == "bool" else _ops().bitwise_or(self, other)

    def __xor__(self, other: Any) -> Any:
        return _ops().logical_xor(self, other) if self.dtype == "bool" else _ops().bitwise_xor(self, other)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __eq__(self, other: object) -> Any:
        return _ops().equal(self, other)

    def __ne__(self, other: object) -> Any:
        return _ops().not_equal(self, other)

    def __lt__(self, other: Any) -> Any:
        return _ops().less(self, other)

    def __le__(self, other: Any) -> Any:
        return _ops().less_equal(self, other)

    def __gt__(self, other: Any) -> Any:
        return _ops().greater(self, other)

    def __ge__(self, other: Any) -> Any:
        return _ops().greater_equal(self, other)

    def __getitem__(self, key: Any) -> Any:
        return _ops().get_item(self, key)

    def __hash__(self) -> int:
        return id(self)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def T(self) -> Any:  # noqa: N802 - the name that NumPy and Keras use
        """The transposed tensor."""
        return _ops().transpose(self)


class Tensor(Arithmetic):
    """An array of one dtype; `shape` shows None where a size is symbolic."""

    _type: TensorType
    _keras_mask: Any = None

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The sizes; None where one is symbolic (`cornu.ops.shape` gives it as an expression)."""
        return tuple(None if isinstance(dim, Dim) else dim for dim in self.type.shape)

    @property
    def dtype(self) -> str:  # type: ignore[override]
        """The element type's name."""
        return self._type.dtype

    @property
    def type(self) -> TensorType:
        """Dtype and exact shape."""
        return self._type

    def __len__(self) -> int:
        if not self._type.shape:
            raise TypeError("A scalar tensor has no length.")
        return operator.index(self.type.shape[0])

    def __iter__(self) -> Iterator[Tensor]:
        for i in range(len(self)):
            yield self[i]


class ConcreteTensor(Tensor):
    """A tensor in a backend's memory.

    Args:
        buffer: The backend's handle.
        backend: The backend that made it.
        type: Dtype and shape.
        device: The device that it lies on.
    """

    __slots__ = ("_held", "_type")

    def __init__(self, buffer: Buffer, backend: Backend, type: TensorType, device: str) -> None:
        self._held = (buffer, backend, device)
        self._type = type

    def buffer(self, backend: Backend, device: str) -> Buffer:
        """The handle on a backend's device; the tensor moves there if it lies elsewhere."""
        buffer, owner, place = self._held
        if owner is not backend or place != device:
            buffer = self.copied_buffer(backend, device)
            self._held = (buffer, backend, device)  # in one assignment: another thread may be reading
        return buffer

    def copied_buffer(self, backend: Backend, device: str) -> Buffer:
        """A buffer of its own with the same numbers, on a backend's device."""
        return _to_buffer(self.numpy(), backend, device)

    def numpy(self) -> np.ndarray:
        """A copy on the host."""
        buffer, owner, _ = self._held
        profile = switch.active
        return owner.to_numpy(buffer) if profile is None else profile.read(owner, buffer)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype)

    def __dlpack__(self, **options: Any) -> Any:
        return self.numpy().__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.numpy().__dlpack_device__()

    def item(self) -> Any:
        """The one element as a Python number."""
        return self.numpy().item()

    def __bool__(self) -> bool:
        return bool(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __float__(self) -> float:
        return float(self.numpy())

    def __index__(self) -> int:
        return operator.index(self.numpy().item())

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if not self._type.shape else format(str(self), spec)

    def __repr__(self) -> str:
        return f"<Tensor shape={self.shape} dtype={self.dtype} value={np.array2string(self.numpy(), separator=', ')}>"


class TracedTensor(Tensor):
    """A tensor inside a program that is being traced: it has a type and no numbers yet."""

    __slots__ = ("_trace", "_value")

    def __init__(self, value: Value, trace: Trace) -> None:
        self._value = value
        self._trace = trace

    @property
    def type(self) -> TensorType:
        return self._trace.builder.resolve_type(self._value.type)

    @property
    def _type(self) -> TensorType:  # type: ignore[override]
        return self._value.type

    def _no_value(self, wanted: str, instead: str) -> TypeError:
        return TypeError(
            f"{wanted} of a traced tensor ({self.type}) was asked for, but its numbers exist only when the program "
            f"runs. {instead}"
        )

    def numpy(self) -> np.ndarray:
        """Not possible inside a trace.

        Raises:
            TypeError: Always.
        """
        raise self._no_value("The NumPy array", "Return the tensor from the traced function and convert it there.")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.numpy()

    def __bool__(self) -> bool:
        raise self._no_value(
            "The truth", "Instead of a Python `if` or `while`, write `ops.where`, `ops.cond` or `ops.while_loop`."
        )

    def __int__(self) -> int:
        raise self._no_value("The integer value", "Use it as a tensor; `ops.cast` changes its dtype.")

    __index__ = __int__

    def __float__(self) -> float:
        raise self._no_value("The float value", "Use it as a tensor; `ops.cast` changes its dtype.")

    def __repr__(self) -> str:
        return f"<Tensor (traced) {self.type}>"


def is_tensor(x: Any) -> bool:
    """True for tensors, concrete or traced."""
    return isinstance(x, Tensor)


def dims(x: TensorLike) -> Shape:
    """The exact sizes, symbolic ones as `Dim`s: good as attributes, and Python arithmetic works on them."""
    return x.type.shape if isinstance(x, Tensor) else tuple(np.shape(x))


def from_numpy(array: np.ndarray) -> ConcreteTensor:
    """Copies an array to the current backend."""
    backend, device = current_backend(), current_device()
    array = np.asarray(array)
    type = TensorType(dtype_name(array.dtype), array.shape)
    return ConcreteTensor(_to_buffer(array, backend, device), backend, type, device)


def _to_buffer(array: np.ndarray, backend: Backend, device: str) -> Buffer:
    profile = switch.active
    return backend.from_numpy(array, device) if profile is None else profile.feed(backend, array, device)


def convert(x: TensorLike, dtype: str | None = None) -> Tensor:
    """Makes a tensor of a tensor, variable, array, number or nested list of numbers.

    Args:
        x: What to convert.
        dtype: The dtype to cast to; None keeps an array's own, and gives Python floats the configured float type and
            Python integers int32.

    Raises:
        TypeError: If it is not numeric.
    """
    if hasattr(x, "__cornu_tensor__"):
        x = x.__cornu_tensor__()
    if isinstance(x, Tensor):
        return x if dtype in (None, x.dtype) else apply("Cast", x, to=dtype)  # type: ignore[return-value]
    if isinstance(x, (list, tuple)) and any(isinstance(leaf, (Tensor, Dim)) for leaf in _leaves(x)):
        return _stack(x, dtype)
    if isinstance(x, Dim):
        tensor = apply("DimValue", size=x)
        assert isinstance(tensor, Tensor)
        return convert(tensor, dtype or "int32")
    array = to_array(x, dtype)
    trace = current_trace()
    if trace is None:
        return from_numpy(array)
    return TracedTensor(trace.builder.constant(array), trace)


def to_array(x: Any, dtype: str | None = None) -> np.ndarray:
    """A NumPy array of a dtype that tensors can have.

    Raises:
        TypeError: If it is not numeric.
    """
    array = np.asarray(x)
    if array.dtype == object or (array.dtype.kind in "USOMmcV" and array.dtype.name != "bfloat16"):
        raise TypeError(f"Cannot make a tensor of {type(x).__name__} (NumPy dtype {array.dtype}).")
    if dtype is None:
        python = not isinstance(x, (np.ndarray, np.generic)) and not hasattr(x, "__array__")
        dtype = _default_dtype(array) if python else dtype_name(array.dtype)
    return array.astype(numpy_dtype(dtype), copy=False)


def _default_dtype(array: np.ndarray) -> str:
    from cornu.backend.config import floatx

    return floatx() if array.dtype.kind == "f" else "int32" if array.dtype.kind == "i" else dtype_name(array.dtype)


def _leaves(items: Any) -> Iterator[Any]:
    for item in items:
        if isinstance(item, (list, tuple)):
            yield from _leaves(item)
        else:
            yield item


def _stack(items: Any, dtype: str | None) -> Tensor:
    parts = [convert(item, dtype) for item in items]
    stacked: Tensor = _ops().stack(parts)
    return stacked


_Record = Callable[[str, tuple[Tensor, ...], tuple[Tensor, ...], dict[str, Any]], None]


def apply(op: str, *inputs: TensorLike, **attributes: Any) -> Tensor | tuple[Tensor, ...]:
    """Applies one primitive: recorded inside a trace, run at once on the current backend outside.

    Args:
        op: The primitive's name.
        inputs: Tensors and arrays; Python numbers take the first tensor's dtype.
        attributes: The primitive's attributes.

    Returns:
        The output, or a tuple where the primitive has several.

    Raises:
        TypeError, ValueError: If the operands do not fit the primitive.
    """
    outputs = apply_multiple(op, inputs, attributes)
    return outputs[0] if len(outputs) == 1 else outputs


def apply_multiple(op: str, inputs: Any, attributes: dict[str, Any]) -> tuple[Tensor, ...]:
    """Like `apply`, and always returns a tuple."""
    trace = current_trace()
    if trace is not None:
        operands = [value_of(x, trace) for x in inputs]
        return tuple(TracedTensor(value, trace) for value in trace.builder.emit(op, operands, attributes))
    from cornu.tracing.eager import run_eagerly

    dtype = next((x.dtype for x in inputs if isinstance(x, Tensor)), None)
    tensors = tuple(_operand(x, dtype) for x in inputs)
    return run_eagerly(op, tensors, attributes)


def _operand(x: Any, dtype: str | None) -> ConcreteTensor:
    tensor = convert(x, dtype if isinstance(x, (bool, int, float)) else None)
    if not isinstance(tensor, ConcreteTensor):
        raise TypeError(f"{tensor!r} was used outside the function whose trace made it; return it from there instead.")
    return tensor


def value_of(x: Any, trace: Trace) -> Any:
    """An operand for the trace's builder."""
    if hasattr(x, "__cornu_tensor__"):
        x = x.__cornu_tensor__()
    if isinstance(x, TracedTensor):
        return x._value
    if isinstance(x, ConcreteTensor):
        return trace.take(x)
    if isinstance(x, (bool, int, float, np.ndarray, np.generic)):
        return x
    return value_of(convert(x), trace)
