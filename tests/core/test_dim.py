"""Symbolic sizes agree with Python's integers, and equal expressions are equal objects."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cornu.ir.dim import (
    Dim,
    DimLike,
    SymbolicDimError,
    at_least,
    ceil_div,
    floor_div,
    maximum,
    minimum,
    product,
    substitute,
    symbol,
    symbols_of,
    without_factor,
)
from hypothesis import given
from hypothesis import strategies as st

N, M = symbol("n"), symbol("m")
OPERATIONS: dict[str, Callable[[DimLike, DimLike], DimLike]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": floor_div,
    "%": lambda a, b: a % b,
    "max": maximum,
    "min": minimum,
    "ceil": ceil_div,
}


def expressions() -> st.SearchStrategy[tuple[object, ...]]:
    leaves = st.one_of(st.integers(-4, 9).map(lambda k: (k,)), st.sampled_from([("n",), ("m",)]))
    return st.recursive(leaves, lambda inner: st.tuples(st.sampled_from(list(OPERATIONS)), inner, inner), max_leaves=6)


def build(tree: tuple[object, ...], sizes: dict[str, DimLike]) -> DimLike:
    if len(tree) == 1:
        return sizes[tree[0]] if isinstance(tree[0], str) else tree[0]  # type: ignore[return-value]
    op, left, right = tree
    return OPERATIONS[op](build(left, sizes), build(right, sizes))  # type: ignore[index,arg-type]


@given(expressions(), st.integers(0, 12), st.integers(0, 12))
def test_substitution_gives_what_python_computes(tree: tuple[object, ...], n: int, m: int) -> None:
    try:
        expected = build(tree, {"n": n, "m": m})
        symbolic = build(tree, {"n": N, "m": M})
    except ZeroDivisionError:
        return
    assert substitute(symbolic, {"n": n, "m": m}) == expected


@given(expressions(), expressions(), st.integers(0, 12), st.integers(0, 12))
def test_what_is_said_to_be_at_least_is(left: tuple[object, ...], right: tuple[object, ...], n: int, m: int) -> None:
    try:
        first, second = (build(tree, {"n": N, "m": M}) for tree in (left, right))
        actual = [build(tree, {"n": n, "m": m}) for tree in (left, right)]
    except ZeroDivisionError:
        return
    if at_least(first, second):
        assert actual[0] >= actual[1]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("expression", "canonical"),
    [
        ((N + 1) * (N - 1), N * N - 1),
        (N - N, 0),
        (2 * N // 2, N),
        ((4 * N + 6) // 4, N + (6 // 4)),
        ((4 * N + 2 * M + 6) // 4, N + 1 + (2 * M + 2) // 4),
        (N * M // N, M),
        (7 * N // (2 * N), 3),
        (5 * N * M // (3 * N), 5 * M // 3),
        (N * M // (N * (M + 1)), M // (M + 1)),
        (N % 1, 0),
        (3 * N % 3, 0),
        (maximum(N, 0), N),
        (maximum(N, -3), N),
        (minimum(N, 0), 0),
        (maximum(N + 2, N), N + 2),
        (maximum(N, 1) - 1, N - minimum(N, 1)),
        (maximum(N, M), maximum(M, N)),
        (ceil_div(2 * N, 2), N),
        (product([N, 2, M]), 2 * M * N),
        (10 - N + N, 10),
    ],
)
def test_equal_expressions_are_equal(expression: DimLike, canonical: DimLike) -> None:
    assert expression == canonical
    assert hash(expression) == hash(canonical)


def test_factors_of_every_term_are_taken_out() -> None:
    assert without_factor(4 * N * M - 16 * N) == M - 4  # type: ignore[arg-type]
    assert without_factor(3 * N) == 1  # type: ignore[arg-type]
    assert without_factor(N * N + M) == N * N + M  # type: ignore[arg-type]


def test_constant_expressions_are_integers() -> None:
    assert type(N - N + 3) is int
    assert type(floor_div(N, N)) is int


def test_text_is_what_people_write() -> None:
    assert str(2 * N * M - N + 3) == "2*m*n - n + 3"
    assert str((N + 1) // 2) == "(n + 1)//(2)"
    assert str(maximum(N - 1, 0)) == "max(0, n - 1)"


def test_symbols() -> None:
    assert symbols_of(floor_div(N + 1, M) + 2) == {"n", "m"}
    assert symbols_of(3) == frozenset()
    assert isinstance(N, Dim)
    assert N.bare_symbol == "n"
    assert (N + 1).bare_symbol is None  # type: ignore[union-attr]


def test_substitution_of_some_symbols() -> None:
    assert substitute(N * M + 1, {"m": 3}) == 3 * N + 1
    assert substitute(maximum(N, M), {"n": M + 1}) == M + 1


def test_decisions_that_follow_from_sizes_not_being_negative() -> None:
    assert N + 1 > 0
    assert N >= 0
    assert not N < 0
    assert bool(N + 1)
    assert at_least(minimum(N, 1), 0)
    assert at_least(N, minimum(N, 1))


@pytest.mark.parametrize(
    "decide",
    [
        lambda: int(N),
        lambda: bool(N),
        lambda: range(N),
        lambda: N > 0,
        lambda: N < M,
    ],
)
def test_decisions_that_need_the_value_name_the_size(decide: Callable[[], object]) -> None:
    with pytest.raises(SymbolicDimError, match=r"symbolic size `.*n.*`"):
        decide()


def test_division_by_zero() -> None:
    with pytest.raises(ZeroDivisionError):
        floor_div(N, 0)
