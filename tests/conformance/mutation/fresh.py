"""Ten lies thought of after the suite had caught all others: they try what the operators do not describe."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from cornu.backend.contract import CompileOptions
from cornu.ir.program import Program

from mutation.lies import Lie, LyingExecutable


class LargeArraysTruncated(Lie):
    """Only the first 65,536 elements of a large buffer arrive; the rest is 0."""

    def from_numpy(self, array: np.ndarray, device: str) -> Any:
        if array.size > 65_536:
            array = array.copy()
            array.reshape(-1)[65_536:] = 0
        return super().from_numpy(array, device)


class EveryHundredthCallWrong(Lie):
    """One call in a hundred gives the result of the call before."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        memory = executable.memory
        memory["calls"] = memory.get("calls", 0) + 1
        if memory["calls"] % 100 == 0:
            return list(memory["last"])
        memory["last"] = super().call(executable, inputs, donate)
        return list(memory["last"])


class FirstCallWrong(Lie):
    """The first call after compilation answers for inputs of ones."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        if not executable.memory and inputs:
            executable.memory["warm"] = True
            ones = [self.spoiled(buffer, np.ones_like) for buffer in inputs]
            return super().call(executable, ones, frozenset())
        return super().call(executable, inputs, donate)


class OtherThreadsGetZeros(Lie):
    """Only the thread that compiled gets results."""

    def compile(self, program: Program, options: CompileOptions) -> Any:
        executable = super().compile(program, options)
        executable.memory["thread"] = threading.get_ident()
        return executable

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        outputs = super().call(executable, inputs, donate)
        if threading.get_ident() == executable.memory["thread"]:
            return outputs
        return [self.spoiled(output, np.zeros_like) for output in outputs]


class EqualInputsAreOne(Lie):
    """Two inputs with equal first elements are taken for one."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        seen: dict[Any, Any] = {}
        given = []
        for buffer in inputs:
            array = self.base.to_numpy(buffer)
            key = (array.shape, array.dtype, array.reshape(-1)[:1].tobytes())
            given.append(seen.setdefault(key, buffer))
        return super().call(executable, given, frozenset())


class ManyInputsCutOff(Lie):
    """From the ninth input on all are the eighth, if they are of its type."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        given = list(inputs)
        types = [value.type for value in executable.program.inputs]
        for i in range(8, len(given)):
            if types[i] == types[7]:
                given[i] = given[7]
        return super().call(executable, given, frozenset())


class HighRanksTurned(Lie):
    """Buffers of five axes and more come back with their last two axes exchanged."""

    def to_numpy(self, buffer: Any) -> np.ndarray:
        array = super().to_numpy(buffer)
        if array.ndim < 5:
            return array
        return np.ascontiguousarray(np.swapaxes(array, -1, -2)).reshape(array.shape)


class LargeIntegersAreFloats(Lie):
    """Integers pass through float64 in every call."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        def through(array: np.ndarray) -> np.ndarray:
            return array.astype(np.float64).astype(array.dtype) if array.dtype.kind in "iu" else array

        with np.errstate(all="ignore"):
            return super().call(executable, [self.spoiled(buffer, through) for buffer in inputs], frozenset())


class ScopeDecides(Lie):
    """Programs of one name share an executable."""

    def __init__(self, base: str) -> None:
        super().__init__(base)
        self.named: dict[Any, Any] = {}

    def compile(self, program: Program, options: CompileOptions) -> Any:
        types = tuple(value.type for value in (*program.inputs, *program.outputs))
        return self.named.setdefault((program.name, types, len(program.nodes)), super().compile(program, options))


class DonatedOutputsDie(Lie):
    """An output of a call with donation lives only until the next call."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        outputs = super().call(executable, inputs, donate)
        for old in executable.memory.pop("mortal", []):
            if isinstance(old, np.ndarray) and old.size and all(old is not buffer for buffer in inputs):
                old.flags.writeable = True
                old[...] = 0
        executable.memory["mortal"] = outputs if donate else []
        return outputs


def fresh_lies() -> Iterator[type[Lie]]:
    """The ten."""
    yield from (
        c for c in globals().values() if isinstance(c, type) and issubclass(c, Lie) and c.__module__ == __name__
    )
