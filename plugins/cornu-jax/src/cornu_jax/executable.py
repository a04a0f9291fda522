"""Executables: one for each program, compiled for the sizes that it meets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from threading import Lock

import jax
from cornu.backend.contract import BackendError
from cornu.ir.fingerprint import fingerprint
from cornu.ir.program import Program

from cornu_jax.buffers import refer
from cornu_jax.compilation import Cache, Compiled, compile_program
from cornu_jax.lifting import lift_constants
from cornu_jax.settings import disturbed, settings


class JaxExecutable:
    """A program that runs on one device.

    Args:
        program: The program.
        device: The device.
        cache_size: For how many sizes it stays compiled; those that were used last are kept.
        recent: What was compiled for any program, so that one that comes again need not be compiled again.

    Raises:
        BackendError: The device has no room for the constants.
    """

    def __init__(self, program: Program, device: jax.Device, cache_size: int, recent: Cache) -> None:
        self._count = len(program.inputs)
        self._program, constants = lift_constants(program)
        self._fingerprint = fingerprint(self._program)
        self._device = device
        self._constants = [refer(array, device) for array in constants]
        # A call is looked up by these sizes; XLA's executable checks all others by itself.
        self._symbolic = [
            (i, axis)
            for i, value in enumerate(program.inputs)
            for axis, dim in enumerate(value.shape)
            if not isinstance(dim, int)
        ]
        self._cache, self._recent = Cache(cache_size), recent
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
        if len(inputs) != self._count:
            raise ValueError(f"{self._program.name} takes {self._count} inputs, got {len(inputs)}.")
        try:
            return self._start([*inputs, *self._constants], _donated(inputs, donate) if donate else donate)
        except BackendError as error:
            error.spent = frozenset(i for i in donate if inputs[i].is_deleted())
            raise

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
        """Frees what was compiled for this program, and its constants."""
        self._cache.clear()
        self._constants = []
        self._last = None

    def _start(self, operands: Sequence[jax.Array], donate: frozenset[int]) -> list[jax.Array]:
        compiled = self._compiled(operands, donate)
        try:
            outputs = _run(compiled, operands)
        except TypeError as error:
            self._program.check_inputs([buffer.shape for buffer in operands])
            raise ValueError(f"The buffers do not fit program {self._program.name}: {error}") from error
        except jax.errors.JaxRuntimeError as error:
            raise BackendError(str(error)) from error
        if compiled.smallest is not None:
            self._last = outputs[compiled.smallest]
        return outputs

    def _compiled(self, operands: Sequence[jax.Array], donate: frozenset[int]) -> Compiled:
        key = tuple([operands[i].shape[axis] for i, axis in self._symbolic]), donate
        return self._cache.get(key) or self._found(key, operands, donate)

    def _found(self, key: object, operands: Sequence[jax.Array], donate: frozenset[int]) -> Compiled:
        """What an equal program left, or what XLA makes now."""
        everywhere = self._fingerprint, self._device, key
        with self._lock:  # several threads that meet new sizes compile them once
            found = self._cache.get(key) or self._recent.get(everywhere)
            if found is None:
                found = compile_program(self._program, [x.shape for x in operands], donate, self._device)
                self._recent.put(everywhere, found)
            self._cache.put(key, found)
        return found


def _run(compiled: Compiled, operands: Sequence[jax.Array]) -> list[jax.Array]:
    if disturbed():
        with settings():
            return compiled.call(*operands)
    return compiled.call(*operands)


def _donated(inputs: Sequence[jax.Array], donate: frozenset[int]) -> frozenset[int]:
    """The positions in `donate` whose buffer stands at no other position."""
    count = Counter(map(id, inputs))
    return frozenset(i for i in donate if count[id(inputs[i])] == 1)
