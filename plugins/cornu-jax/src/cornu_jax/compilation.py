"""What XLA made of a program for some sizes, and bounded caches of it."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import jax
from cornu.backend.contract import BackendError
from cornu.ir.program import Program
from cornu.ir.types import numpy_dtype
from jax.sharding import SingleDeviceSharding

from cornu_jax.settings import compiler_options, settings
from cornu_jax.tracing import declared, run

Shape = tuple[int, ...]
Type = tuple[str, Shape]
_Struct: Callable[..., Any] = jax.ShapeDtypeStruct


@dataclass(frozen=True)
class Compiled:
    """A program for one set of sizes.

    Args:
        call: What XLA made, as a function of the inputs.
        smallest: The smallest output, by which one can see that a call has ended; None if there are no outputs.
    """

    call: Callable[..., list[jax.Array]]
    smallest: int | None


class Cache:
    """What was compiled, and used last.

    Args:
        size: How much of it is kept.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._found: OrderedDict[Hashable, Compiled] = OrderedDict()
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._found)

    def get(self, key: Hashable) -> Compiled | None:
        """What was kept under a key."""
        with self._lock:
            found = self._found.get(key)
            if found is not None:
                self._found.move_to_end(key)
            return found

    def put(self, key: Hashable, compiled: Compiled) -> None:
        """Keeps something; what was not used for the longest time may go."""
        with self._lock:
            self._found[key] = compiled
            if len(self._found) > self._size:
                self._found.popitem(last=False)

    def clear(self) -> None:
        """Forgets all."""
        with self._lock:
            self._found.clear()


def compile_program(program: Program, shapes: Sequence[Shape], donate: frozenset[int], device: jax.Device) -> Compiled:
    """Compiles a program for some sizes.

    Args:
        program: The program.
        shapes: The shapes of its inputs.
        donate: The positions of inputs whose memory may be used for outputs.
        device: The device that it is to run on.

    Raises:
        ValueError: The shapes do not fit the program.
        BackendError: A node cannot be run, or XLA fails.
    """
    sizes = program.check_inputs(shapes)
    inputs = [declared(value, sizes) for value in program.inputs]
    outputs = [declared(value, sizes) for value in program.outputs]
    sharding = SingleDeviceSharding(device)
    types = [_Struct(shape, numpy_dtype(dtype), sharding=sharding) for dtype, shape in inputs]
    function = jax.jit(_function(program), out_shardings=sharding, donate_argnums=_usable(inputs, outputs, donate))
    try:
        with settings():
            call = function.lower(*types).compile(compiler_options=compiler_options(device.platform))
    except jax.errors.JaxRuntimeError as error:
        raise BackendError(str(error)) from error
    order = sorted(range(len(outputs)), key=lambda i: _bytes(outputs[i]))
    return Compiled(call, order[0] if order else None)


def _function(program: Program) -> Callable[..., list[jax.Array]]:
    def function(*arrays: jax.Array) -> list[jax.Array]:
        return run(program, arrays)

    function.__name__ = program.name.replace("/", "_") or "program"  # what profiles call it
    return function


def _usable(inputs: Sequence[Type], outputs: Sequence[Type], donate: frozenset[int]) -> tuple[int, ...]:
    """The donated inputs in whose memory an output fits: JAX warns of others."""
    room = Counter(outputs)
    usable = []
    for i in sorted(donate):
        if room[inputs[i]]:
            room[inputs[i]] -= 1
            usable.append(i)
    return tuple(usable)


def _bytes(type: Type) -> int:
    dtype, shape = type
    count = numpy_dtype(dtype).itemsize
    for size in shape:
        count *= size
    return count
