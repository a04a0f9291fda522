"""Executables: one for each program, compiled for the sizes that it meets."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import jax
from cornu.backend.contract import BackendError
from cornu.ir.program import Program
from cornu.ir.types import numpy_dtype
from jax.sharding import SingleDeviceSharding

from cornu_jax.buffers import refer
from cornu_jax.settings import compiler_options, disturbed, settings
from cornu_jax.tracing import Interpreter, declared, large_constants

_Type: Callable[..., Any] = jax.ShapeDtypeStruct
Key = tuple[tuple[int, ...], frozenset[int]]


@dataclass(frozen=True)
class Compiled:
    """A program for one set of sizes.

    Args:
        call: What XLA made, as a function of the constants and the inputs.
        smallest: The smallest output, by which one can see that a call has ended; None if there are no outputs.
    """

    call: Callable[..., list[jax.Array]]
    smallest: int | None


class JaxExecutable:
    """A program that runs on one device.

    Args:
        program: The program.
        device: The device.
        cache_size: For how many sizes it stays compiled; those that were used last are kept.

    Raises:
        BackendError: The device has no room for the constants.
    """

    def __init__(self, program: Program, device: jax.Device, cache_size: int) -> None:
        self._program = program
        self._platform = device.platform
        self._sharding = SingleDeviceSharding(device)
        self._constants = large_constants(program)
        self._held = [refer(array, device) for array in self._constants]
        # A call is looked up by these sizes; XLA's executable checks all others by itself.
        self._symbolic = [
            (i, axis)
            for i, value in enumerate(program.inputs)
            for axis, dim in enumerate(value.shape)
            if not isinstance(dim, int)
        ]
        self._cache: OrderedDict[Key, Compiled] = OrderedDict()
        self._cache_size = cache_size
        self._lock = Lock()
        self._last: jax.Array | None = None

    def __call__(self, inputs: Sequence[jax.Array], donate: frozenset[int] = frozenset()) -> list[jax.Array]:
        """Starts the program.

        Args:
            inputs: One buffer for each input.
            donate: The positions of buffers whose memory may be used for outputs.

        Returns:
            One buffer for each output; the work may still go on.

        Raises:
            ValueError: The buffers do not fit the program.
            BackendError: The program cannot be compiled or run.
        """
        compiled = self._compiled(inputs, _donated(inputs, donate) if donate else donate)
        try:
            outputs = self._run(compiled, inputs)
        except TypeError as error:
            self._program.check_inputs([buffer.shape for buffer in inputs])
            raise ValueError(f"The buffers do not fit program {self._program.name}: {error}") from error
        except jax.errors.JaxRuntimeError as error:
            raise BackendError(str(error)) from error
        if compiled.smallest is not None:
            self._last = outputs[compiled.smallest]
        return outputs

    def synchronize(self) -> None:
        """Returns when the last call has ended, and with it all before it: a device runs them in their order.

        Raises:
            BackendError: It failed.
        """
        last = self._last
        if last is None or last.is_deleted():  # what it was donated to came later, and is someone else's
            return
        try:
            last.block_until_ready()
        except jax.errors.JaxRuntimeError as error:
            raise BackendError(str(error)) from error

    def close(self) -> None:
        """Frees what was compiled, and the constants."""
        with self._lock:
            self._cache.clear()
            self._held = []
            self._last = None

    def _run(self, compiled: Compiled, inputs: Sequence[jax.Array]) -> list[jax.Array]:
        if disturbed():
            with settings():
                return compiled.call(*self._held, *inputs)
        return compiled.call(*self._held, *inputs)

    def _compiled(self, inputs: Sequence[jax.Array], donate: frozenset[int]) -> Compiled:
        if len(inputs) != len(self._program.inputs):
            raise ValueError(f"{self._program.name} takes {len(self._program.inputs)} inputs, got {len(inputs)}.")
        key = tuple([inputs[i].shape[axis] for i, axis in self._symbolic]), donate
        with self._lock:  # several threads that meet new sizes compile them once
            found = self._cache.get(key)
            if found is None:
                found = self._cache[key] = self._compile([buffer.shape for buffer in inputs], donate)
                if len(self._cache) > self._cache_size:
                    self._cache.popitem(last=False)
            else:
                self._cache.move_to_end(key)
        return found

    def _compile(self, shapes: Sequence[tuple[int, ...]], donate: frozenset[int]) -> Compiled:
        sizes = self._program.check_inputs(shapes)
        inputs = [declared(value, sizes) for value in self._program.inputs]
        outputs = [declared(value, sizes) for value in self._program.outputs]
        first = len(self._constants)
        function = jax.jit(
            self._function(),
            out_shardings=self._sharding,
            donate_argnums=tuple(first + i for i in _usable(inputs, outputs, donate)),
        )
        operands = [(array.dtype, array.shape) for array in self._constants]
        operands += [(numpy_dtype(dtype), shape) for dtype, shape in inputs]
        types = [_Type(shape, dtype, sharding=self._sharding) for dtype, shape in operands]
        try:
            with settings():
                call = function.lower(*types).compile(compiler_options=compiler_options(self._platform))
        except jax.errors.JaxRuntimeError as error:
            raise BackendError(str(error)) from error
        order = sorted(range(len(outputs)), key=lambda i: _bytes(*outputs[i]))
        return Compiled(call, order[0] if order else None)

    def _function(self) -> Callable[..., list[jax.Array]]:
        program, constants = self._program, self._constants

        def function(*arrays: jax.Array) -> list[jax.Array]:
            held = {id(value): array for value, array in zip(constants, arrays, strict=False)}
            return Interpreter(held).run(program, arrays[len(constants) :])

        function.__name__ = program.name.replace("/", "_") or "program"  # what profiles call it
        return function


def _donated(inputs: Sequence[jax.Array], donate: frozenset[int]) -> frozenset[int]:
    """The positions in `donate` whose buffer stands at no other position."""
    count = Counter(map(id, inputs))
    return frozenset(i for i in donate if count[id(inputs[i])] == 1)


def _usable(inputs: Sequence[Any], outputs: Sequence[Any], donate: frozenset[int]) -> list[int]:
    """The donated inputs in whose memory an output fits: JAX warns of others."""
    room = Counter(outputs)
    usable = []
    for i in sorted(donate):
        if room[inputs[i]]:
            room[inputs[i]] -= 1
            usable.append(i)
    return usable


def _bytes(dtype: str, shape: Sequence[int]) -> int:
    count = numpy_dtype(dtype).itemsize
    for size in shape:
        count *= size
    return count
