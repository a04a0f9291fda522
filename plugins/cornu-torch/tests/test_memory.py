"""Memory: what is written over, who owns what, and programs drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cornu.backend.contract import BackendError, CompileOptions
from cornu.ir.builder import Builder
from cornu.ir.passes import prepare
from cornu.ir.types import TensorType
from torch_programs import BACKEND, expected, program_of, run, same

SHAPE = (6, 6)


def draw(seed: int) -> tuple[Any, list[np.ndarray]]:
    """A program of elementwise nodes, views and reductions on square matrices, in which values are used again."""
    rng = np.random.default_rng(seed)
    b = Builder("random")
    values = [b.input(TensorType("float32", SHAPE)) for _ in range(3)]
    values += [b.constant(rng.normal(size=SHAPE).astype("float32")), b.constant(0.5, "float32")]

    def pick() -> Any:
        return values[int(rng.integers(max(len(values) - 6, 0), len(values)))]

    def square(x: Any) -> Any:
        return x if x.shape == SHAPE else b.Expand(x, shape=SHAPE)

    for _ in range(25):
        x, y, z = square(pick()), pick(), pick()
        match int(rng.integers(14)):
            case 0:
                made = [b.Add(x, y)]
            case 1:
                made = [b.Sub(y, x)]
            case 2:
                made = [b.Add(z, b.Mul(x, y))]
            case 3:
                made = [b.Sub(x, b.Mul(y, 0.5))]
            case 4:
                made = [b.Tanh(x)]
            case 5:
                made = [b.Relu(b.Neg(x))]
            case 6:
                made = [b.Transpose(x, perm=(1, 0))]
            case 7:
                parts = b.emit("Split", (x,), {"axis": 0, "sizes": (2, 4)})
                made = [b.Concat(parts[1], parts[0], axis=0)]
            case 8:
                made = [b.Reshape(b.Slice(x, starts=(5,), ends=(-1,), axes=(1,), steps=(-1,)), shape=SHAPE)]
            case 9:
                made = [b.Mul(b.Cast(b.Greater(x, square(y)), to="float32"), x)]
            case 10:
                made = [b.Where(b.Less(x, 0.0), square(y), square(z))]
            case 11:
                made = [b.ReduceSum(x, axes=(0,), keepdims=True), b.MatMul(x, square(y))]
            case 12:
                made = list(b.emit("Barrier", (x, square(y), z), {}))
            case _:
                made = [b.Add(x, b.Mul(b.Sub(square(y), x), 0.25))]
        values += [b.Mul(value, 0.5) if value.shape == SHAPE and rng.random() < 0.3 else value for value in made]
    count = int(rng.integers(1, 6))
    outputs = [values[int(i)] for i in rng.integers(0, len(values), count)] + values[-2:]
    arrays = [rng.normal(size=SHAPE).astype("float32") for _ in range(3)]
    return b.finish(outputs), arrays


@pytest.mark.parametrize("seed", range(150))
def test_programs_at_random(seed: int) -> None:
    """Whatever is donated, results are right, kept inputs stay, and outputs share no memory."""
    program, arrays = draw(seed)
    wanted = expected(program, arrays)
    executable = BACKEND.compile(prepare(program, BACKEND), CompileOptions())
    for donate in (frozenset[int](), frozenset({0}), frozenset({0, 1, 2})):
        given = [BACKEND.from_numpy(array, "") for array in arrays]
        outputs = executable(given, donate)
        same([BACKEND.to_numpy(buffer) for buffer in outputs], wanted, 2e-5)
        for i in {0, 1, 2} - donate:
            np.testing.assert_array_equal(BACKEND.to_numpy(given[i]), arrays[i])
        memories = [buffer.untyped_storage().data_ptr() for buffer in outputs]
        assert len(set(memories)) == len(memories)
        kept = {given[i].untyped_storage().data_ptr() for i in {0, 1, 2} - donate}
        assert kept.isdisjoint(memories)


def test_state_stays_in_its_memory() -> None:
    """What is donated to a training step is written over: no new memory."""
    w = np.ones((64, 64), np.float32)

    def make(b: Any, w: Any, m: Any, g: Any) -> list[Any]:
        moved = b.Add(m, b.Mul(b.Sub(g, m), 0.1))
        return [b.Sub(w, b.Mul(moved, 0.5)), moved]

    program = prepare(program_of(make, w, w, w), BACKEND)
    executable = BACKEND.compile(program, CompileOptions())
    state = [BACKEND.from_numpy(w, "") for _ in range(3)]
    before = [buffer.data_ptr() for buffer in state[:2]]
    after = executable(state, frozenset({0, 1}))
    assert [buffer.data_ptr() for buffer in after] == before
    same([BACKEND.to_numpy(buffer) for buffer in after], expected(program, [w, w, w]))


def test_an_output_holds_no_more_than_itself() -> None:
    x = np.arange(4000, dtype=np.float32).reshape(1000, 4)
    program = program_of(lambda b, x: b.Slice(b.Exp(x), starts=(0,), ends=(1,), axes=(0,), steps=(1,)), x / 4000)
    executable = BACKEND.compile(prepare(program, BACKEND), CompileOptions())
    (output,) = executable([BACKEND.from_numpy(x / 4000, "")])
    assert output.untyped_storage().nbytes() == output.nbytes == 16


def test_constants_are_referred_to() -> None:
    """Frozen weights stand in memory once."""
    weights = np.ones((50, 50), np.float32)
    weights.flags.writeable = False
    program = program_of(lambda b, x: b.MatMul(x, b.constant(weights)), np.ones((2, 50), np.float32))
    executable: Any = BACKEND.compile(prepare(program, BACKEND), CompileOptions())
    (node,) = (node for node in program.nodes if node.op == "Constant")
    (held,) = executable._constants.values()
    assert held.data_ptr() == node.attributes["value"].ctypes.data
    del executable
    same(run(program, [np.ones((2, 50), np.float32)]), [np.full((2, 50), 50, np.float32)])


def test_plans_are_few() -> None:
    from cornu.ir.dim import symbol
    from cornu_torch.executable import PLANS

    b = Builder("sizes")
    x = b.input(TensorType("float32", (symbol("n"),)))
    executable: Any = BACKEND.compile(b.finish([b.Exp(x)]), CompileOptions())
    for count in range(3 * PLANS):
        executable([BACKEND.from_numpy(np.zeros(count, np.float32), "")])
    assert len(executable._plans) == PLANS
    executable.close()
    executable.close()


def test_what_is_written_over_a_part_does_not_keep_the_whole() -> None:
    x = np.arange(4000, dtype=np.float32).reshape(1000, 4) / 4000
    program = program_of(lambda b, x: b.Neg(b.Slice(b.Exp(x), starts=(0,), ends=(1,), axes=(0,), steps=(1,))), x)
    executable = BACKEND.compile(prepare(program, BACKEND), CompileOptions())
    (output,) = executable([BACKEND.from_numpy(x, "")])
    assert output.untyped_storage().nbytes() == output.nbytes == 16
    same([BACKEND.to_numpy(output)], expected(program, [x]))


def test_a_failure_tells_what_was_written_over() -> None:
    b = Builder("step")
    types = [TensorType("float32", (3,)), TensorType("float32", (3,)), TensorType("int64", (3,))]
    w, v, places = (b.input(type) for type in types)
    first = b.Sub(w, 1.0)
    found = b.Gather(first, places, axis=0)
    executable = BACKEND.compile(b.finish([first, b.Sub(v, found)]), CompileOptions())
    given = [BACKEND.from_numpy(np.array(array), "") for array in (np.ones(3, "f4"), np.ones(3, "f4"), [0, 1, 99])]
    with pytest.raises(BackendError, match="index out of range") as caught:
        executable(given, frozenset({0, 1}))
    assert caught.value.spent == {0}
    np.testing.assert_array_equal(BACKEND.to_numpy(given[1]), np.ones(3))
