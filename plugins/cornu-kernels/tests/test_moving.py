"""Chains of nodes that move elements as one strided copy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cornu_kernels.moving import SMALL, join_moves
from cornu_kernels.views import through, whole
from cornu_onnxruntime.lowering.blocks import from_blocks, to_blocks
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_programs import check, names, program_of

RNG = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype("float32")


@pytest.mark.parametrize(
    ("shape", "perm"),
    [
        ((64, 70), (1, 0)),
        ((8, 20, 20, 3), (0, 3, 1, 2)),
        ((8, 3, 20, 20), (0, 2, 3, 1)),
        ((4, 16, 9, 17), (1, 0, 2, 3)),
        ((5, 6, 7, 8, 9), (4, 2, 0, 3, 1)),
        ((33, 1, 129), (2, 1, 0)),
    ],
)
def test_transpositions(shape: tuple[int, ...], perm: tuple[int, ...]) -> None:
    x = numbers(*shape)
    found = check(program_of(lambda b, x: b.Transpose(x, perm=perm), x), [x])
    assert found == ["Move" if x.size >= SMALL else "Transpose"]


def test_a_layout_with_a_border_is_one_copy() -> None:
    """Transpose, Pad, blocks of channels: what a convolution's input goes through."""
    x = numbers(4, 9, 9, 16)

    def make(b: Any, x: Any) -> Any:
        planes = b.Transpose(x, perm=(0, 3, 1, 2))
        padded = b.Pad(planes, before=(0, 0, 1, 2), after=(0, 0, 2, 1), value=0.5, mode="constant")
        return to_blocks(b, padded, 8)

    assert check(program_of(make, x), [x]) == ["Move", "Reshape"]  # the latter costs nothing


def test_blocks_there_and_back() -> None:
    x = numbers(4, 16, 9, 9)
    program = program_of(lambda b, x: b.Neg(from_blocks(b, to_blocks(b, x, 8), 8, 16)), x)
    assert "Move" not in check(program, [x])


@pytest.mark.parametrize("step", [-3, -1, 1, 2, 5])
def test_slices_of_padded_axes(step: int) -> None:
    """A slice may take a part of the border, from either side."""
    x = numbers(11, 40, 12)

    def make(b: Any, x: Any) -> Any:
        padded = b.Pad(x, before=(3, 0, 2), after=(4, 0, 0), value=-1.0, mode="constant")  # 18, 40, 14
        start, end = (1, 17) if step > 0 else (16, 0)
        part = b.Slice(padded, starts=(start, 1), ends=(end, 13), axes=(0, 2), steps=(step, 2))
        return b.Transpose(part, perm=(2, 0, 1))

    assert check(program_of(make, x), [x]) == ["Move"]


def test_only_border() -> None:
    x = numbers(2, 3)

    def make(b: Any, x: Any) -> Any:
        padded = b.Pad(x, before=(0, 4), after=(0, 0), value=7.0, mode="constant")
        return b.Transpose(b.Slice(padded, starts=(0,), ends=(3,), axes=(1,), steps=(1,)), perm=(1, 0))

    assert check(program_of(make, x), [x]) == ["Move"]


def test_products_transpose_for_nothing() -> None:
    x, y = numbers(70, 64), numbers(70, 64)
    program = program_of(lambda b, x, y: b.MatMul(b.Transpose(x, perm=(1, 0)), y), x, y)
    assert check(program, [x, y], 1e-4) == ["Transpose", "MatMul"]


def test_what_is_read_between_is_made() -> None:
    x = numbers(64, 90)

    def make(b: Any, x: Any) -> Any:
        turned = b.Transpose(x, perm=(1, 0))
        return b.Exp(turned), b.Slice(turned, starts=(3,), ends=(80,), axes=(0,), steps=(1,))

    assert sorted(check(program_of(make, x), [x])) == ["Exp", "Move", "Move"]


def test_a_reshape_that_mixes_axes_ends_the_chain() -> None:
    x = numbers(64, 70)
    program = program_of(
        lambda b, x: b.Transpose(b.Reshape(b.Transpose(x, perm=(1, 0)), shape=(40, 112)), perm=(1, 0)), x
    )
    assert check(program, [x]) == ["Move", "Move"]


def test_other_dtypes_stay() -> None:
    x = numbers(64, 70).astype("float64")
    program = program_of(lambda b, x: b.Transpose(x, perm=(1, 0)), x)
    assert names(join_moves(program)) == ["Transpose"]


@st.composite
def moves(draw: st.DrawFn) -> tuple[Any, np.ndarray]:
    shape = tuple(draw(st.lists(st.integers(1, 7), min_size=2, max_size=4)))
    steps = draw(
        st.lists(st.tuples(st.sampled_from("tspr"), st.randoms(use_true_random=False)), min_size=2, max_size=6)
    )

    def make(b: Any, x: Any) -> Any:
        for kind, random in steps:
            sizes = x.shape
            axis = random.randrange(len(sizes))
            if kind == "t":
                perm = list(range(len(sizes)))
                random.shuffle(perm)
                x = b.Transpose(x, perm=tuple(perm))
            elif kind == "s":
                start = random.randrange(sizes[axis])
                step = random.choice([1, 2, -1, -2])
                x = b.Slice(x, starts=(start,), ends=(sizes[axis] if step > 0 else -1,), axes=(axis,), steps=(step,))
            elif kind == "p":
                before = tuple(random.randrange(3) for _ in sizes)
                after = tuple(random.randrange(3) for _ in sizes)
                x = b.Pad(x, before=before, after=after, value=random.choice([0.0, 2.0]), mode="constant")
            else:
                merged = (
                    (*sizes[:axis], sizes[axis] * sizes[axis + 1], *sizes[axis + 2 :])
                    if axis + 1 < len(sizes)
                    else sizes
                )
                x = b.Reshape(x, shape=(*merged, 1))
        return x

    return make, numbers(*shape)


@given(moves())
@settings(max_examples=150, deadline=None)
def test_any_chain(drawn: tuple[Any, np.ndarray]) -> None:
    """Values and views agree with the nodes one by one."""
    make, x = drawn
    check(program_of(make, x), [x])


def test_views_know_their_shape() -> None:
    x = numbers(2, 3, 4)
    view = whole((2, 3, 4))
    for node in program_of(
        lambda b, x: b.Pad(
            b.Transpose(x, perm=(2, 0, 1)), before=(1, 0, 0), after=(0, 0, 2), value=0.0, mode="constant"
        ),
        x,
    ).nodes:
        found = through(view, node)
        assert found is not None
        view = found
    assert view.shape == (5, 2, 5)
    assert view.padded
