"""Compilation, and what an executable returns."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from cornu.ir.builder import Builder
from cornu.ir.program import Program, Value
from cornu.ir.types import DTYPES, TensorType

from cornu_conformance.check import Example, require
from cornu_conformance.contract.buffers import SHAPES, sample
from cornu_conformance.contract.programs import (
    N,
    Rules,
    doubled,
    layered,
    layered_arrays,
    layered_formula,
    program,
    ramp,
)
from cornu_conformance.graph import f32
from cornu_conformance.subject import Subject, check_run, compare, same_bits

CALLS = 1000
ROOM = 48 * 2**20


def rules() -> Rules:
    """The rules by name."""
    yield "passes_on_every_dtype", passes_on_every_dtype
    yield "constants_of_every_dtype", constants_of_every_dtype
    yield "constants_are_its_own", constants_are_its_own
    yield "constants_are_not_written", constants_are_not_written
    yield "program_is_not_changed", program_is_not_changed
    yield "many_of_one_kind", many_of_one_kind
    yield "many_inputs_and_outputs", many_inputs_and_outputs
    yield "many_calls", many_calls
    yield "same_bits_again", same_bits_again
    yield "synchronize", synchronize_may_be_called
    yield "close", close_ends_one_executable_only
    if sys.platform != "win32":  # where a process learns its own size only from further packages
        yield "memory_is_constant", memory_is_constant


def passes_on_every_dtype(subject: Subject) -> None:
    """An output that is an input, in every dtype and of no elements too, is that input."""
    for dtype in DTYPES:
        for shape in SHAPES.values():
            type = TensorType(dtype, shape)
            array = sample(dtype, shape)
            passed = program(lambda b, x: [x, b.constant(True)], type)
            result, _ = subject.run(passed, [array])
            require(same_bits(result, array), "an input came back changed", passed, expected=[array], actual=[result])


def constants_of_every_dtype(subject: Subject) -> None:
    """Constants hold what they hold, in every dtype."""
    for dtype in DTYPES:
        for shape in SHAPES.values():
            array = sample(dtype, shape)
            constant = program(lambda b, array=array: b.constant(array))
            (result,) = subject.run(constant, [])
            require(
                same_bits(result, array), "a constant came back changed", constant, expected=[array], actual=[result]
            )


def scaled(factor: float, count: int = 70_000) -> Program:
    """Large constants that a printed program abridges, different in the middle only."""
    weights = np.ones(count, np.float32)
    weights[count // 2] = factor
    return program(lambda b, x: b.Mul(x, b.constant(weights)), f32(count))


def many_of_one_kind(subject: Subject) -> None:
    """Executables with the same inputs and outputs are different ones, whichever was made or run last."""
    makes = [lambda b, x: b.Add(x, x), lambda b, x: b.Neg(x), lambda b, x: b.Mul(x, x)]
    programs = [program(make, f32(N)) for make in makes]
    x = ramp(5, -2)
    examples = [Example(made, [x], [y]) for made, y in zip(programs, (x + x, -x, x * x), strict=True)]
    executables = [subject.compile(made) for made in programs]
    for i in (0, 1, 2, 0, 2, 1):
        compare(examples[i], subject.call(executables[i], [x]), f", as {i + 1} of {len(makes)} executables")


def many_inputs_and_outputs(subject: Subject) -> None:
    """A train step has hundreds of inputs and outputs of one type: each has its place."""

    def make(b: Builder, *xs: Value) -> list[Value]:
        return [b.Mul(x, float(i + 1)) for i, x in enumerate(xs)]

    made = program(make, *[f32(N)] * 300)
    arrays = [ramp(2, i) for i in range(300)]
    check_run(subject, subject.compile(made), Example(made, arrays, [x * (i + 1) for i, x in enumerate(arrays)]))


def many_calls(subject: Subject) -> None:
    """The five-hundredth call gives what the first would have given."""
    made = program(lambda b, x: b.Sub(b.Mul(x, 3.0), 1.0), f32(N))
    executable = subject.compile(made)
    for i in range(500):
        x = ramp(3, i)
        compare(Example(made, [x], [x * 3 - 1]), subject.call(executable, [x]), f" of call {i + 1}")


def constants_are_its_own(subject: Subject) -> None:
    """Programs that differ in a constant's numbers only are different programs: frozen weights are such constants."""
    for factor in (2.0, 3.0, 2.0):
        (result,) = subject.run(scaled(factor), [np.ones(70_000, np.float32)])
        told: dict[str, Any] = {"expected": [np.float32(factor)], "actual": [result[35_000]]}
        require(result[35_000] == factor, "a program was run with the constants of another one", **told)
        require(result.sum() == 69_999 + factor, "a constant's numbers are wrong", **told)


def constants_are_not_written(subject: Subject) -> None:
    """Constant arrays are the core's, or weights of the user: nothing may write to them."""
    weights = ramp(5000)

    def make(b: Builder, x: Value) -> list[Value]:
        constant = b.constant(weights)
        return [b.Add(b.Neg(constant), x), constant, b.Reshape(constant, shape=(50, 100))]

    executable = subject.compile(program(make, f32(5000)))
    for _ in range(2):
        outputs = executable(subject.buffers([np.ones(5000, np.float32)]), frozenset({0}))
        _overwrite(subject, outputs[1])
        require(same_bits(weights, ramp(5000)), "the array of a constant was written to")


def _overwrite(subject: Subject, buffer: object) -> None:
    """Gives a buffer away to a program that would like to write its result there."""
    subject.compile(program(lambda b, x: b.Mul(b.Add(x, 5.0), 3.0), f32(N)))([buffer], frozenset({0}))


def program_is_not_changed(subject: Subject) -> None:
    """The program belongs to the core and may be shared."""
    from cornu.backend.contract import CompileOptions
    from cornu.ir.passes import prepare

    prepared = prepare(layered(), subject.backend, subject.device)
    before = str(prepared), prepared.nodes, [node.inputs for node in prepared.nodes]
    arrays = layered_arrays(3, 0)
    executable = subject.backend.compile(prepared, CompileOptions(subject.device))
    subject.call(executable, arrays)
    after = str(prepared), prepared.nodes, [node.inputs for node in prepared.nodes]
    require(before == after, "compiling or running has changed the program", prepared)
    again = subject.backend.compile(prepared, CompileOptions(subject.device))
    compare(Example(prepared, arrays, layered_formula(*arrays), 50), subject.call(again, arrays), ", compiled again")


def same_bits_again(subject: Subject) -> None:
    """The same executable gives the same bits for the same inputs: sums, products and scattered sums too."""

    def make(b: Builder, x: Value, w: Value, at: Value) -> list[Value]:
        product = b.MatMul(x, w)
        scattered = b.ScatterElements(b.zeros(f32(7)), at, b.Reshape(x, shape=(64 * 96,)), axis=0, reduction="add")
        kernel = b.Reshape(w, shape=(3, 8, 4, 96))
        image = b.Reshape(x, shape=(1, 8, 8, 96))
        window = b.Conv(
            image,
            b.Slice(kernel, starts=(0,), ends=(5,), axes=(3,), steps=(1,)),
            strides=(1, 1),
            dilations=(1, 1),
            group=1,
        )
        return [product, b.ReduceSum(b.Exp(product), axes=(0, 1), keepdims=False), scattered, window]

    random = np.random.default_rng(1)
    arrays: list[np.ndarray] = [random.normal(size=s).astype(np.float32) for s in ((64, 96), (96, 96))]
    arrays.append(random.integers(0, 7, 64 * 96))
    executable = subject.compile(program(make, f32(64, 96), f32(96, 96), TensorType("int64", (64 * 96,))))
    first = subject.call(executable, arrays)
    for _ in range(8):
        for i, (before, now) in enumerate(zip(first, subject.call(executable, arrays), strict=True)):
            message = f"output {i} of the same inputs has other bits in another call"
            require(same_bits(now, before), message, expected=[before], actual=[now])


def synchronize_may_be_called(subject: Subject) -> None:
    """Before the first call, after one, and twice."""
    executable = subject.compile(doubled())
    executable.synchronize()
    outputs = executable(subject.buffers([ramp(4)]))
    executable.synchronize()
    executable.synchronize()
    (result,) = subject.arrays(outputs)
    require(same_bits(result, ramp(4) * 2), "synchronize has changed a result", expected=[ramp(4) * 2], actual=[result])


def close_ends_one_executable_only(subject: Subject) -> None:
    """`close` may be called twice; results, other executables and the same program compiled again live on."""
    first, second = subject.compile(doubled()), subject.compile(doubled())
    outputs = first(subject.buffers([ramp(4)]))
    first.close()
    first.close()
    example = Example(doubled(), [ramp(4)], [ramp(4) * 2])
    compare(example, subject.arrays(outputs), ", read after its executable was closed")
    compare(example, subject.call(second, [ramp(4)]), " of another executable after one was closed")
    compare(example, subject.call(subject.compile(doubled()), [ramp(4)]), ", compiled again after one was closed")


def memory_is_constant(subject: Subject) -> None:
    """A thousand calls, with sizes that alternate, leave no memory behind."""
    executable = subject.compile(program(lambda b, x: [b.Mul(x, 0.5), b.Neg(x)], f32(N)))
    arrays = [np.ones(40_000 + 64 * i, np.float32) for i in range(4)]

    def calls(count: int) -> None:
        for i in range(count):
            executable(subject.buffers([arrays[i % 4]]), frozenset({0}) if i % 2 else frozenset())
        executable.synchronize()

    calls(CALLS // 5)
    before = resident_bytes()
    calls(CALLS)
    grown = resident_bytes() - before
    require(grown < ROOM, f"{CALLS} calls with results of 0.3 MB left {grown / 2**20:.0f} MB behind")


def resident_bytes() -> int:
    """The memory that this process holds; where the system does not tell that, its peak."""
    import resource

    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
