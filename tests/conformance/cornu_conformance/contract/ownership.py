"""Who owns which buffer when: inputs stay, outputs are nobody else's, and what is donated may go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np
from cornu.backend.contract import Buffer
from cornu.ir.builder import Builder
from cornu.ir.program import Program, Value
from cornu.ir.types import TensorType

from cornu_conformance.check import Example, require
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
from cornu_conformance.graph import body, f32
from cornu_conformance.subject import Subject, check_run, compare, same_bits


def rules() -> Rules:
    """The rules by name."""
    yield "inputs_stay", inputs_stay
    yield "outputs_stay", outputs_stay
    yield "outputs_share_nothing_with_inputs", outputs_share_nothing_with_inputs
    yield "outputs_share_nothing_with_outputs", outputs_share_nothing_with_outputs
    yield "donated_and_read_again", donated_and_read_again
    yield "donated_twice", donated_twice
    yield "donated_partly", donated_partly
    yield "donated_through_steps", donated_through_steps
    yield "donated_as_in_training", donated_as_in_training
    yield "donated_into_outputs_that_stay", donated_into_outputs_that_stay
    yield "donated_into_a_loop", donated_into_a_loop
    yield "no_donation_afterwards", no_donation_afterwards


def inputs_stay(subject: Subject) -> None:
    """What is not donated is not changed, whatever could be computed in its place."""

    def make(b: Builder, x: Value, y: Value) -> list[Value]:
        return [b.Add(x, y), b.Exp(x), b.Neg(y), b.Relu(b.Sub(y, x)), x]

    arrays = [ramp(9, -4), ramp(9)]
    x, y = arrays
    expected = [x + y, np.exp(x), -y, np.maximum(y - x, 0), x]
    changing = program(make, f32(N), f32(N))
    executable = subject.compile(changing)
    for _ in range(2):
        check_run(subject, executable, Example(changing, arrays, expected))


def outputs_stay(subject: Subject) -> None:
    """A buffer's value never changes: later calls have outputs of their own."""
    executable = subject.compile(layered())
    sets = [layered_arrays(rows, seed) for seed, rows in enumerate((4, 4, 2, 4))]
    outputs = [executable(subject.buffers(arrays)) for arrays in sets]
    for arrays, buffers in zip(sets, outputs, strict=True):
        example = Example(layered(), arrays, layered_formula(*arrays), 50)
        compare(example, subject.arrays(buffers), ", read after later calls")


OVERWRITING: tuple[Callable[..., Value], ...] = (
    lambda b, x: b.Add(b.Mul(x, 3.0), 5.0),
    lambda b, x: b.Sub(b.Neg(x), 1.0),
)


def overwrite(subject: Subject, buffer: Buffer, make: Callable[..., Value]) -> None:
    """Gives a buffer away to a program that would like to write its results there."""
    subject.compile(program(make, f32(N)))([buffer], frozenset({0}))


def views(b: Builder, x: Value) -> list[Value]:
    """An input as it is, in other forms, and parts of it."""
    flat = b.Reshape(x, shape=(N * 2,))
    halves = b.emit("Split", (x,), {"axis": 1, "sizes": (1, 1)})
    turned = b.Transpose(x, perm=(1, 0))
    part = b.Slice(flat, starts=(0,), ends=(N,), axes=(0,), steps=(1,))
    plain = b.Pad(flat, before=(0,), after=(0,), value=0.0, mode="constant")
    outputs = [x, flat, turned, part, b.Concat(flat, axis=0), plain, b.StopGradient(flat), *halves]
    return [b.Reshape(value, shape=(value.type.size,)) for value in outputs]


def view_arrays(x: np.ndarray) -> list[np.ndarray]:
    """What `views` gives."""
    flat = x.ravel()
    return [flat, flat, x.T.ravel(), flat[: len(x)], flat, flat, flat, x[:, 0], x[:, 1]]


def outputs_share_nothing_with_inputs(subject: Subject) -> None:
    """Overwriting an output, as whoever is given it may, leaves the inputs as they are; and the other way round."""
    viewing = program(views, f32(N, 2))
    executable = subject.compile(viewing)
    x = ramp(8).reshape(4, 2)
    expected = view_arrays(x)
    for i, make in product(range(len(expected)), OVERWRITING):
        given = subject.buffers([x])
        outputs = executable(given)
        overwrite(subject, outputs[i], make)
        (after,) = subject.arrays(given)
        told = {"expected": [x], "actual": [after]}
        require(
            same_bits(after, x),
            f"output {i} lies in the input's memory: giving it away changed the input",
            viewing,
            **told,
        )
    given = subject.buffers([x])
    outputs = executable(given)
    flattening = program(lambda b, x: b.Mul(b.Add(x, 1.0), 2.0), f32(N, 2))
    subject.compile(flattening)(given, frozenset({0}))
    compare(Example(viewing, [x], expected), subject.arrays(outputs), ", read after the input was given away")


def outputs_share_nothing_with_outputs(subject: Subject) -> None:
    """Overwriting one output leaves the others as they are, if they are the same value too."""

    def make(b: Builder, x: Value) -> list[Value]:
        y = b.Exp(x)
        return [y, y, *views(b, y), x, x]

    doubling = program(make, f32(N, 2))
    executable = subject.compile(doubling)
    x = ramp(6, -3).reshape(3, 2)
    y = np.exp(x)
    expected = [y, y, *view_arrays(y), x, x]
    example = Example(doubling, [x], expected)
    for i, overwriting in product(range(2, len(expected) - 2), OVERWRITING):
        outputs = executable(subject.buffers([x]))
        overwrite(subject, outputs[i], overwriting)
        rest = [(want, array) for j, (want, array) in enumerate(zip(expected, outputs, strict=True)) if j != i]
        for want, buffer in rest:
            have = subject.backend.to_numpy(buffer)
            close = np.allclose(have, want, rtol=1e-5)
            told = {"expected": [want], "actual": [have]}
            require(close, f"output {i} lies in the memory of another: giving it away changed that", doubling, **told)
    compare(example, subject.call(executable, [x]), ", afterwards")


def donated_and_read_again(subject: Subject) -> None:
    """What is donated may be overwritten only after its last reader, in whatever order it reads."""
    makes: dict[str, tuple[Callable[..., Any], Callable[..., Sequence[np.ndarray]]]] = {
        "rotated": (
            lambda b, x: b.Concat(*reversed(b.emit("Split", (x,), {"axis": 0, "sizes": (1, 5)})), axis=0),
            lambda x: [np.roll(x, -1, 0)],
        ),
        "turned": (lambda b, x: b.Add(x, b.Transpose(x, perm=(1, 0))), lambda x: [x + x.T]),
        "backwards": (
            lambda b, x: b.Sub(x, b.Slice(x, starts=(5,), ends=(-1,), axes=(0,), steps=(-1,))),
            lambda x: [x - x[::-1]],
        ),
        "centred": (lambda b, x: b.Sub(x, b.ReduceMean(x, axes=(0, 1), keepdims=True)), lambda x: [x - x.mean()]),
        "squared": (lambda b, x: b.MatMul(x, x), lambda x: [x @ x]),
        "summed": (
            lambda b, x: b.Add(b.CumSum(x, axis=0, exclusive=False, reverse=False), x),
            lambda x: [x.cumsum(0) + x],
        ),
        "twice": (
            lambda b, x: [
                b.Mul(x, 2.0),
                b.Add(x, 1.0),
                b.ReduceSum(b.Transpose(x, perm=(1, 0)), axes=(0,), keepdims=False),
            ],
            lambda x: [x * 2, x + 1, x.sum(1)],
        ),
        "returned": (lambda b, x: [b.Neg(x), x, b.Mul(b.Neg(x), 3.0)], lambda x: [-x, x, x * -3]),
    }
    x = ramp(36, -7).reshape(6, 6)
    for make, formula in makes.values():
        made = program(make, f32(6, 6))
        check_run(subject, subject.compile(made), Example(made, [x], formula(x), 4))


def donated_twice(subject: Subject) -> None:
    """One buffer given at two positions: donating one, or both, must not spoil what the other reads."""
    made = program(lambda b, x, y: [b.Mul(x, 3.0), b.Sub(b.Exp(x), y), b.Neg(y)], f32(N), f32(N))
    executable = subject.compile(made)
    x = ramp(5)
    example = Example(made, [x, x], [x * 3, np.exp(x) - x, -x], 4)
    (shared,) = subject.buffers([x])
    compare(example, subject.arrays(executable([shared, shared])), ", one buffer at two positions")
    (shared,) = subject.buffers([x])
    compare(example, subject.arrays(executable([shared, shared], frozenset({0, 1}))), ", one buffer donated twice")


def donated_partly(subject: Subject) -> None:
    """Of several inputs only those that are donated may change."""
    made = program(lambda b, x, y, z: [b.Add(x, y), b.Add(y, z), b.Mul(z, x)], f32(N), f32(N), f32(N))
    executable = subject.compile(made)
    arrays = [ramp(7), ramp(7, 3), ramp(7, -2)]
    x, y, z = arrays
    example = Example(made, arrays, [x + y, y + z, z * x])
    for donated in range(3):
        given = subject.buffers(arrays)
        compare(example, subject.arrays(executable(given, frozenset({donated}))), f", input {donated} donated")
        for i in {0, 1, 2} - {donated}:
            (now,) = subject.arrays([given[i]])
            told = {"expected": [arrays[i]], "actual": [now]}
            require(same_bits(now, arrays[i]), f"input {i} changed, but input {donated} was donated", made, **told)


def donated_through_steps(subject: Subject) -> None:
    """State that is donated to each step and comes back from it, as in training."""
    made = training()
    executable = subject.compile(made)
    w, velocity, gradient = ramp(12, -5), np.zeros(12, np.float32), np.full(12, 0.5, np.float32)
    state = subject.buffers([w, velocity])
    (kept,) = subject.buffers([gradient])
    for _ in range(20):
        state = executable([*state, kept], frozenset({0, 1}))
        velocity = velocity * np.float32(0.5) + gradient
        w = w - np.float32(0.25) * velocity
    compare(Example(made, [], [w, velocity], 4), subject.arrays(state), " after 20 donated steps")
    (after,) = subject.arrays([kept])
    require(same_bits(after, gradient), "what was not donated has changed", made, expected=[gradient], actual=[after])


def donated_as_in_training(subject: Subject) -> None:
    """A whole step as the core runs it: weights are read before they are updated, state may stay as it is."""

    def make(b: Builder, x: Value, w: Value, m: Value, one: Value, other: Value, count: Value) -> list[Value]:
        product = b.MatMul(x, w)
        gradient = b.MatMul(b.Transpose(x, perm=(1, 0)), b.Relu(product))
        mean = b.Add(b.Mul(m, 0.5), gradient)
        loss = b.ReduceMean(product, axes=(0, 1), keepdims=False)
        return [loss, b.Sub(w, b.Mul(mean, 2.0**-6)), mean, one, other, b.Add(count, b.constant(np.int32(1)))]

    scalar = TensorType("int32", ())
    made = program(make, f32(N, 4), f32(4, 3), f32(4, 3), f32(5), f32(5), scalar)
    executable = subject.compile(made)
    x, w = ramp(8, -3).reshape(2, 4) / 4, ramp(12, -5).reshape(4, 3) / 4
    m = np.zeros_like(w)
    (kept,) = subject.buffers([x])
    state = subject.buffers([w, m, ramp(5), ramp(5, 5), np.zeros((), np.int32)])
    losses, expected = [], []
    for _ in range(13):
        loss, *state = executable([kept, *state], frozenset(range(1, 6)))
        losses.append(loss)
        expected.append((x @ w).mean(dtype=np.float32))
        m = m * np.float32(0.5) + x.T @ np.maximum(x @ w, 0)
        w = w - m / np.float32(64)
    compare(
        Example(made, [], [w, m, ramp(5), ramp(5, 5), np.array(13, np.int32)], 50),
        subject.arrays(state),
        " after 13 donated steps",
    )
    compare(Example(made, [], expected, 50), subject.arrays(losses), ", the losses of 13 donated steps")
    (after,) = subject.arrays([kept])
    require(same_bits(after, x), "what was not donated has changed", made, expected=[x], actual=[after])


def donated_into_outputs_that_stay(subject: Subject) -> None:
    """What a call made out of donated buffers is a buffer like any other: later calls leave it alone."""
    executable = subject.compile(doubled())
    arrays = [ramp(6, i) for i in range(4)]
    outputs = [executable(subject.buffers([x]), frozenset({0})) for x in arrays]
    for x, buffers in zip(arrays, outputs, strict=True):
        compare(Example(doubled(), [x], [x * 2]), subject.arrays(buffers), ", read after later donations")


def training() -> Program:
    """Weights and velocity after a step of gradient descent with momentum 0.5."""

    def make(b: Builder, w: Value, velocity: Value, gradient: Value) -> list[Value]:
        new = b.Add(b.Mul(velocity, 0.5), gradient)
        return [b.Sub(w, b.Mul(new, 0.25)), new]

    return program(make, f32(N), f32(N), f32(N))


def donated_into_a_loop(subject: Subject) -> None:
    """A loop's first state, its sequence, and what its steps read from outside are donated."""
    types = [f32(2), f32(2), f32(2)]
    step = body("step", types, lambda b, s, x, w: [b.Add(b.Mul(s, w), x), b.Sub(s, x)])
    attributes = {"body": step, "carries": 1, "sequences": 1, "length": 4, "reverse": False}
    made = program(
        lambda b, s, xs, w: [*b.emit("Scan", (s, xs, w), attributes), b.Mul(s, w)], f32(2), f32(4, 2), f32(2)
    )
    s, xs, w = arrays = [ramp(2), ramp(8).reshape(4, 2), ramp(2, 0.5)]
    state, results = s, []
    for x in xs:
        results.append(state - x)
        state = state * w + x
    example = Example(made, arrays, [state, np.array(results), s * w])
    check_run(subject, subject.compile(made), example)


def no_donation_afterwards(subject: Subject) -> None:
    """Donation holds for one call: the next one may change nothing."""
    executable = subject.compile(doubled())
    executable(subject.buffers([ramp(5)]), frozenset({0}))
    check_run(subject, executable, Example(doubled(), [ramp(5)], [ramp(5) * 2]))
