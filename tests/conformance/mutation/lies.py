"""Executors and buffers that lie: a real backend behind a face that breaks one rule of the contract."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from cornu.backend.contract import BackendError, CompileOptions
from cornu.backend.manager import get_backend
from cornu.ir.program import Program


class Lie:
    """A backend as it is; subclasses break one rule each, which their docstrings name."""

    priority = -1
    writes = False  # whether it writes into buffers, which it can only where they are arrays

    def __init__(self, base: str) -> None:
        self.base = get_backend(base)
        self.contract = self.base.contract

    def supports(self, op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        return self.base.supports(op, dtypes, attributes, device)

    def from_numpy(self, array: np.ndarray, device: str) -> Any:
        return self.base.from_numpy(array, device)

    def to_numpy(self, buffer: Any) -> np.ndarray:
        return self.base.to_numpy(buffer)

    def compile(self, program: Program, options: CompileOptions) -> Any:
        return LyingExecutable(self, program, self.base.compile(program, options))

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        """What a call does; the honest thing here."""
        return list(executable.honest(inputs, donate))

    def spoiled(self, buffer: Any, change: Any) -> Any:
        """A buffer with other numbers."""
        return self.base.from_numpy(np.asarray(change(self.base.to_numpy(buffer))), "")


class LyingExecutable:
    """An executable whose calls go through its lie."""

    def __init__(self, lie: Lie, program: Program, honest: Any) -> None:
        self.lie, self.program, self.honest = lie, program, honest
        self.memory: dict[Any, Any] = {}

    def __call__(self, inputs: Sequence[Any], donate: frozenset[int] = frozenset()) -> list[Any]:
        return self.lie.call(self, inputs, donate)

    def synchronize(self) -> None:
        self.honest.synchronize()

    def close(self) -> None:
        self.honest.close()


class OutputIsInput(Lie):
    """An output that is an input shares its memory, and a donated buffer is then overwritten."""

    writes = True

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        outputs = super().call(executable, inputs, frozenset())
        for i in donate:
            _overwrite(inputs[i])
        places = {value: i for i, value in enumerate(executable.program.inputs)}
        for j, value in enumerate(executable.program.outputs):
            if value in places:
                outputs[j] = inputs[places[value]]
        return outputs


class InputOverwritten(Lie):
    """The first input becomes scratch memory, donated or not."""

    writes = True

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        outputs = super().call(executable, inputs, frozenset())
        if inputs:
            _overwrite(inputs[0])
        return outputs


class DonatedTooEarly(Lie):
    """A donated buffer takes the first output before the other outputs have read it."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        outputs = super().call(executable, inputs, frozenset())
        for i in sorted(donate):
            value = executable.program.inputs[i]
            if outputs and executable.program.outputs[0].type == value.type and len(outputs) > 1:
                given = [*inputs]
                given[i] = outputs[0]
                return [outputs[0], *super().call(executable, given, frozenset())[1:]]
        return outputs


class DonationOneOff(Lie):
    """The buffer beside the donated one is overwritten."""

    writes = True

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        outputs = super().call(executable, inputs, frozenset())
        for i in donate:
            if i + 1 < len(inputs) and i + 1 not in donate:
                _overwrite(inputs[i + 1])
        return outputs


class DonationRemembered(Lie):
    """What was donated once is overwritten in later calls too."""

    writes = True

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        executable.memory["donated"] = donate | executable.memory.get("donated", frozenset())
        outputs = super().call(executable, inputs, frozenset())
        for i in executable.memory["donated"]:
            _overwrite(inputs[i])
        return outputs


class DonatedExchanged(Lie):
    """Two donated inputs of one type that come out as they are change places."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        outputs = super().call(executable, inputs, donate)
        given = {value: i for i, value in enumerate(executable.program.inputs)}
        results = executable.program.outputs
        same = [j for j, value in enumerate(results) if given.get(value) in donate]
        for left, right in pairwise(same):
            if results[left] is not results[right] and results[left].type == results[right].type:
                outputs[left], outputs[right] = outputs[right], outputs[left]
        return outputs


class SpentDenied(Lie):
    """A call that fails has overwritten what was donated, and says that it has not."""

    writes = True

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        if donate and any(node.op == "Gather" for node in executable.program.nodes):
            for i in donate:
                _overwrite(inputs[i])
            raise BackendError("the index is out of range", "Gather", spent=frozenset())
        return super().call(executable, inputs, donate)


class LastBatchWrong(Lie):
    """The last row is left out where the rows do not come in pairs."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        def drop(array: np.ndarray) -> np.ndarray:
            if array.ndim and array.shape[0] > 2 and array.shape[0] % 2:
                array[-1] = array.dtype.type(0)
            return array

        return [self.spoiled(output, drop) for output in super().call(executable, inputs, donate)]


class StaleConstants(Lie):
    """A program that differs only in its constants is taken for the one that was compiled before."""

    def __init__(self, base: str) -> None:
        super().__init__(base)
        self.seen: dict[Any, Any] = {}

    def compile(self, program: Program, options: CompileOptions) -> Any:
        kinds = tuple((node.op, tuple(value.type for value in node.outputs)) for node in program.nodes)
        key = (kinds, tuple(value.type for value in program.inputs))
        if any(node.op == "Constant" for node in program.nodes):
            return self.seen.setdefault(key, super().compile(program, options))
        return super().compile(program, options)


class BrokenForGood(Lie):
    """After a call that failed an executable answers with what it last knew."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        if executable.memory.get("failed") and "last" in executable.memory:
            return list(executable.memory["last"])
        try:
            executable.memory["last"] = super().call(executable, inputs, donate)
        except Exception:
            executable.memory["failed"] = True
            raise
        return list(executable.memory["last"])


class PromisesEverything(Lie):
    """`supports` is always True, whatever the operator, the dtype or the device."""

    def supports(self, op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        return True

    def compile(self, program: Program, options: CompileOptions) -> Any:
        for node in program.nodes:
            name = node.attributes["name"] if node.op == "Call" else node.op
            if not self.base.supports(name, [v.dtype for v in node.inputs], node.attributes, options.device):
                raise ValueError(f"no kernel for {name}")
        return super().compile(program, options)


class PromisesLittle(Lie):
    """`supports` denies what every model needs."""

    def supports(self, op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        return op not in ("MatMul", "Add", "Reshape") and super().supports(op, dtypes, attributes, device)


class ChangesItsMind(Lie):
    """`supports` answers the same question now one way, now the other."""

    asked = 0

    def supports(self, op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        self.asked += 1
        return super().supports(op, dtypes, attributes, device) and self.asked % 7 != 0


class NotDeterministic(Lie):
    """The last bit of a float depends on the call."""

    calls = 0

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        self.calls += 1

        def shake(array: np.ndarray) -> np.ndarray:
            floats = array.dtype in (np.float32, np.float64) and self.calls % 2
            return np.asarray(np.nextafter(array, array.dtype.type(np.inf))) if floats else array

        return [self.spoiled(output, shake) for output in super().call(executable, inputs, donate)]


class SharedScratch(Lie):
    """All calls of an executable use one piece of scratch memory, without a lock."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        executable.memory["scratch"] = list(inputs)
        time.sleep(1e-5)
        return super().call(executable, executable.memory["scratch"], frozenset())


class SharedBetweenExecutables(Lie):
    """An executable runs what was compiled last in its thread or any other."""

    def __init__(self, base: str) -> None:
        super().__init__(base)
        self.latest: dict[Any, LyingExecutable] = {}

    def compile(self, program: Program, options: CompileOptions) -> Any:
        made = super().compile(program, options)
        self.latest[tuple(v.type for v in (*program.inputs, *program.outputs))] = made
        return made

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        types = tuple(v.type for v in (*executable.program.inputs, *executable.program.outputs))
        return super().call(self.latest[types], inputs, donate)


class Memoises(Lie):
    """Equal shapes give the result of the first call."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        shapes = tuple(self.base.to_numpy(buffer).shape for buffer in inputs)
        if shapes not in executable.memory:
            executable.memory[shapes] = super().call(executable, inputs, frozenset())
        return list(executable.memory[shapes])


class OneSize(Lie):
    """An executable serves only the sizes that it met first."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        shapes = tuple(self.base.to_numpy(buffer).shape for buffer in inputs)
        if executable.memory.setdefault("shapes", shapes) != shapes:
            raise ValueError(f"made for {executable.memory['shapes']}, got {shapes}")
        return super().call(executable, inputs, donate)


class OutputsReused(Lie):
    """The next call with equal shapes overwrites the outputs of the last one."""

    writes = True

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        outputs = super().call(executable, inputs, donate)
        for old, new in zip(executable.memory.get("outputs", []), outputs, strict=False):
            _overwrite(old, self.base.to_numpy(new))
        executable.memory["outputs"] = outputs
        return outputs


class FromNumpyShares(Lie):
    """`from_numpy` keeps the caller's array instead of a copy: here it reads it only when it is used."""

    def from_numpy(self, array: np.ndarray, device: str) -> Any:
        super().from_numpy(array, device)
        return _Late(array)

    def to_numpy(self, buffer: Any) -> np.ndarray:
        return np.array(buffer.array) if isinstance(buffer, _Late) else super().to_numpy(buffer)

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        real = [self.base.from_numpy(b.array, "") if isinstance(b, _Late) else b for b in inputs]
        return super().call(executable, real, donate)


class _Late:
    def __init__(self, array: np.ndarray) -> None:
        self.array = array


class ToNumpyShares(Lie):
    """`to_numpy` gives the same array each time, which the caller may write to."""

    def __init__(self, base: str) -> None:
        super().__init__(base)
        self.given: dict[int, tuple[Any, np.ndarray]] = {}

    def to_numpy(self, buffer: Any) -> np.ndarray:
        if id(buffer) not in self.given or self.given[id(buffer)][0] is not buffer:
            self.given[id(buffer)] = (buffer, super().to_numpy(buffer))
        return self.given[id(buffer)][1]


class ToNumpyReadOnly(Lie):
    """`to_numpy` gives an array that cannot be written to."""

    def to_numpy(self, buffer: Any) -> np.ndarray:
        array = super().to_numpy(buffer)
        array.flags.writeable = False
        return array


class Float64Narrowed(Lie):
    """float64 is kept in 32 bits."""

    def from_numpy(self, array: np.ndarray, device: str) -> Any:
        narrow = array.astype(np.float32).astype(np.float64) if array.dtype == np.float64 else array
        return super().from_numpy(narrow, device)


class Int64Narrowed(Lie):
    """Integers of 64 bits are kept in 32."""

    def from_numpy(self, array: np.ndarray, device: str) -> Any:
        narrow = array.astype(np.int32).astype(np.int64) if array.dtype == np.int64 else array
        return super().from_numpy(narrow, device)


class BfloatRefused(Lie):
    """bfloat16 cannot be brought to the device."""

    def from_numpy(self, array: np.ndarray, device: str) -> Any:
        if array.dtype.name == "bfloat16":
            raise TypeError("no such dtype")
        return super().from_numpy(array, device)


class EmptyRefused(Lie):
    """Arrays of no elements cannot be brought to the device."""

    def from_numpy(self, array: np.ndarray, device: str) -> Any:
        if array.size == 0:
            raise ValueError("no elements")
        return super().from_numpy(array, device)


class OrderIgnored(Lie):
    """Memory is read as it lies, whatever the strides say."""

    def from_numpy(self, array: np.ndarray, device: str) -> Any:
        return super().from_numpy(array.ravel(order="K").reshape(array.shape), device)


class ScalarsAreVectors(Lie):
    """A scalar comes back as a vector of one."""

    def to_numpy(self, buffer: Any) -> np.ndarray:
        return np.atleast_1d(super().to_numpy(buffer))


class NegativeZeroLost(Lie):
    """-0.0 becomes 0.0 on the way."""

    def from_numpy(self, array: np.ndarray, device: str) -> Any:
        return super().from_numpy(array + array.dtype.type(0) if array.dtype.kind == "f" else array, device)


class NanPayloadLost(Lie):
    """All NaN become one NaN on the way."""

    def from_numpy(self, array: np.ndarray, device: str) -> Any:
        clean = np.where(np.isnan(array), array.dtype.type(np.nan), array) if array.dtype.kind == "f" else array
        return super().from_numpy(clean, device)


class SmallNumbersFlushed(Lie):
    """Numbers too small to be normal become 0 on the way."""

    def from_numpy(self, array: np.ndarray, device: str) -> Any:
        if array.dtype.kind == "f":
            array = np.where(np.abs(array) < np.finfo(array.dtype).tiny, array.dtype.type(0), array)
        return super().from_numpy(array, device)


class PlainErrors(Lie):
    """What goes wrong in a call is a RuntimeError of the runtime's own."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        try:
            return super().call(executable, inputs, donate)
        except Exception as error:
            raise RuntimeError(str(error)) from None


class ErrorsSwallowed(Lie):
    """What goes wrong in a call gives zeros."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        try:
            return super().call(executable, inputs, donate)
        except Exception:
            return [self.base.from_numpy(np.zeros(1, np.float32), "") for _ in executable.program.outputs]


class ClosesOnce(Lie):
    """The second `close` fails."""

    def compile(self, program: Program, options: CompileOptions) -> Any:
        executable = super().compile(program, options)
        first = iter([True])

        def close() -> None:
            if not next(first, False):
                raise ValueError("closed already")

        executable.close = close
        return executable


class CloseClosesAll(Lie):
    """Closing one executable closes all."""

    closed = False

    def compile(self, program: Program, options: CompileOptions) -> Any:
        executable = super().compile(program, options)
        executable.close = self.close
        self.closed = False
        return executable

    def close(self) -> None:
        self.closed = True

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        if self.closed:
            raise ValueError("closed")
        return super().call(executable, inputs, donate)


class Leaks(Lie):
    """Every output of every call is kept."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        outputs = super().call(executable, inputs, donate)
        executable.memory.setdefault("kept", []).append(outputs)
        return outputs


class DoesNotWait(Lie):
    """The work goes on in a thread, and `to_numpy` does not wait for it."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        outputs = super().call(executable, inputs, frozenset())
        late = [_Pending(np.zeros_like(self.base.to_numpy(output))) for output in outputs]

        def finish() -> None:
            time.sleep(2e-3)
            for item, output in zip(late, outputs, strict=True):
                item.array = self.base.to_numpy(output)

        threading.Thread(target=finish, daemon=True).start()
        return late

    def to_numpy(self, buffer: Any) -> np.ndarray:
        return np.array(buffer.array) if isinstance(buffer, _Pending) else super().to_numpy(buffer)


class _Pending(_Late):
    """A buffer whose value comes later."""


class ConstantsOverwritten(Lie):
    """A constant of the program serves as scratch memory after the first call."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        outputs = super().call(executable, inputs, donate)
        for node in executable.program.nodes:
            if node.op == "Constant" and isinstance(node.attributes["value"], np.ndarray):
                value = node.attributes["value"]
                writable = value.flags.writeable
                try:
                    value.flags.writeable = True
                except ValueError:
                    continue
                value[...] = 0
                value.flags.writeable = writable
        return outputs


class DeviceIgnored(Lie):
    """Every device is there, whatever it is called."""

    def supports(self, op: str, dtypes: Sequence[str], attributes: Mapping[str, Any], device: str) -> bool:
        return super().supports(op, dtypes, attributes, "")

    def from_numpy(self, array: np.ndarray, device: str) -> Any:
        return super().from_numpy(array, "")

    def compile(self, program: Program, options: CompileOptions) -> Any:
        return super().compile(program, CompileOptions())


class OneOutput(Lie):
    """Of equal outputs only one comes back."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        outputs = super().call(executable, inputs, donate)
        return [outputs[j] for j in {value: j for j, value in enumerate(executable.program.outputs)}.values()]


class OutputsSorted(Lie):
    """Outputs come in the order in which they were computed."""

    def call(self, executable: LyingExecutable, inputs: Sequence[Any], donate: frozenset[int]) -> list[Any]:
        made = [value for node in executable.program.nodes for value in node.outputs]
        places = {value: i for i, value in enumerate(made)}
        order = sorted(
            range(len(executable.program.outputs)), key=lambda j: places.get(executable.program.outputs[j], -1)
        )
        outputs = super().call(executable, inputs, donate)
        return [outputs[j] for j in order]


def _overwrite(buffer: Any, values: Any = 0) -> None:
    """Writes into a buffer of NumPy's backend."""
    array = buffer if isinstance(buffer, np.ndarray) else getattr(buffer, "array", None)
    if isinstance(array, np.ndarray) and array.size:
        array.flags.writeable = True
        array[...] = values


def lies(arrays: bool = True) -> Iterator[type[Lie]]:
    """Every lie of this module.

    Args:
        arrays: Whether the backend's buffers are arrays, which a lie can write into.
    """
    kinds = [c for c in globals().values() if isinstance(c, type) and issubclass(c, Lie) and c is not Lie]
    yield from (kind for kind in kinds if arrays or not kind.writes)
