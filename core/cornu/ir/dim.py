"""Symbolic sizes: canonical integer expressions with floor division and maximum.

A `Dim` is a polynomial with integer coefficients over atoms (a symbol, a floor division, a maximum). Arithmetic keeps
it canonical, so two expressions that are equal by algebra are equal as objects, and one that is constant is an `int`.
Symbols stand for sizes and are never negative.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from math import gcd
from operator import and_
from typing import TypeAlias, Union


class SymbolicDimError(TypeError):
    """A decision needs the value of a size that is only known when the program runs.

    Args:
        dim: The expression whose value is needed.
        why: What needed it.
    """

    def __init__(self, dim: Dim, why: str) -> None:
        super().__init__(f"{why} needs the value of the symbolic size `{dim}`, which is known only at run time.")
        self.dim = dim


@dataclass(frozen=True)
class Symbol:
    """A size named in a signature, such as `batch`."""

    name: str

    @cached_property
    def key(self) -> str:
        return self.name

    def evaluate(self, sizes: Mapping[str, DimLike]) -> DimLike:
        return sizes[self.name] if self.name in sizes else Dim.of(self)


@dataclass(frozen=True)
class FloorDiv:
    """`floor(numerator / denominator)` that no algebra could resolve."""

    numerator: DimLike
    denominator: DimLike

    @cached_property
    def key(self) -> str:
        return f"({self.numerator})//({self.denominator})"

    def evaluate(self, sizes: Mapping[str, DimLike]) -> DimLike:
        return floor_div(substitute(self.numerator, sizes), substitute(self.denominator, sizes))


@dataclass(frozen=True)
class Max:
    """The larger of two expressions whose order is unknown; `maximum` makes only such with a left side of 0."""

    left: DimLike
    right: DimLike

    @cached_property
    def key(self) -> str:
        return f"max({self.left}, {self.right})"

    def evaluate(self, sizes: Mapping[str, DimLike]) -> DimLike:
        return maximum(substitute(self.left, sizes), substitute(self.right, sizes))


Atom: TypeAlias = Symbol | FloorDiv | Max
Monomial: TypeAlias = tuple[Atom, ...]
DimLike: TypeAlias = Union[int, "Dim"]

_MOST_TERMS = 4096


@dataclass(frozen=True)
class Dim:
    """A canonical, non-constant integer expression; build it with arithmetic on `symbol(...)`.

    Example:
        >>> n = symbol("n")
        >>> (2 * n + 4) // 2 - n
        2
        >>> str((n + 1) // 2)
        '(n + 1)//(2)'
    """

    terms: tuple[tuple[Monomial, int], ...]

    @staticmethod
    def of(atom: Atom) -> Dim:
        """The expression that is just `atom`."""
        return Dim((((atom,), 1),))

    @cached_property
    def symbols(self) -> frozenset[str]:
        """Names of every symbol in the expression."""
        names: set[str] = set()
        for monomial, _ in self.terms:
            for atom in monomial:
                names |= {atom.name} if isinstance(atom, Symbol) else _children_symbols(atom)
        return frozenset(names)

    @cached_property
    def bare_symbol(self) -> str | None:
        """The symbol's name where the expression is nothing else, or None."""
        (monomial, coefficient), *rest = self.terms
        if rest or coefficient != 1 or len(monomial) != 1 or not isinstance(monomial[0], Symbol):
            return None
        return monomial[0].name

    @cached_property
    def _text(self) -> str:
        return " + ".join(_monomial_text(monomial, coefficient) for monomial, coefficient in self.terms).replace(
            "+ -", "- "
        )

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__

    @cached_property
    def _hash(self) -> int:
        return hash(self.terms)

    def __hash__(self) -> int:
        return self._hash

    def __add__(self, other: DimLike) -> DimLike:
        return _combine(self, other, 1) if isinstance(other, (int, Dim)) else NotImplemented

    __radd__ = __add__

    def __neg__(self) -> DimLike:
        return self * -1

    def __sub__(self, other: DimLike) -> DimLike:
        return _combine(self, other, -1) if isinstance(other, (int, Dim)) else NotImplemented

    def __rsub__(self, other: DimLike) -> DimLike:
        return -self + other

    def __mul__(self, other: DimLike) -> DimLike:
        return _multiply(self, other) if isinstance(other, (int, Dim)) else NotImplemented

    __rmul__ = __mul__

    def __floordiv__(self, other: DimLike) -> DimLike:
        return floor_div(self, other) if isinstance(other, (int, Dim)) else NotImplemented

    def __rfloordiv__(self, other: DimLike) -> DimLike:
        return floor_div(other, self)

    def __mod__(self, other: DimLike) -> DimLike:
        return self - floor_div(self, other) * other

    def __rmod__(self, other: DimLike) -> DimLike:
        return other - floor_div(other, self) * self

    def __lt__(self, other: DimLike) -> bool:
        return not _decide_at_least(self, other)

    def __ge__(self, other: DimLike) -> bool:
        return _decide_at_least(self, other)

    def __gt__(self, other: DimLike) -> bool:
        return not _decide_at_least(other, self)

    def __le__(self, other: DimLike) -> bool:
        return _decide_at_least(other, self)

    def __int__(self) -> int:
        raise SymbolicDimError(self, "int()")

    def __index__(self) -> int:
        raise SymbolicDimError(self, "an index")

    def __bool__(self) -> bool:
        if at_least(self, 1):
            return True
        raise SymbolicDimError(self, "bool()")


def symbol(name: str) -> Dim:
    """The size named `name`."""
    return Dim.of(Symbol(name))


def substitute(dim: DimLike, sizes: Mapping[str, DimLike]) -> DimLike:
    """Replaces symbols by sizes: with a value for each symbol the result is an `int`."""
    if isinstance(dim, int) or not any(name in sizes for name in dim.symbols):
        return dim
    total: DimLike = 0
    for monomial, coefficient in dim.terms:
        product: DimLike = coefficient
        for atom in monomial:
            product = product * atom.evaluate(sizes)
        total = total + product
    return total


def symbols_of(dim: DimLike) -> frozenset[str]:
    """Names of the symbols in `dim`."""
    return dim.symbols if isinstance(dim, Dim) else frozenset()


def floor_div(numerator: DimLike, denominator: DimLike) -> DimLike:
    """`floor(numerator / denominator)`, with every exactly divisible term taken out of the division.

    Raises:
        ZeroDivisionError: If the denominator is 0.
    """
    if isinstance(numerator, int) and isinstance(denominator, int):
        return numerator // denominator
    if isinstance(denominator, int):
        if denominator == 0:
            raise ZeroDivisionError(f"({numerator}) // 0")
        whole: DimLike = 0
        rest: DimLike = 0
        for monomial, coefficient in _terms(numerator):
            out, left = divmod(coefficient, denominator)
            whole = whole + _term(monomial, out)
            rest = rest + _term(monomial, left)
        if isinstance(rest, int):
            return whole + rest // denominator
        return whole + Dim.of(FloorDiv(rest, denominator))
    if numerator == denominator:
        return 1
    if isinstance(numerator, int) and numerator == 0:
        return 0
    common = common_factor(numerator, denominator)
    if common:
        return floor_div(_without(numerator, common), _without(denominator, common))
    return Dim.of(FloorDiv(numerator, denominator))


def ceil_div(numerator: DimLike, denominator: DimLike) -> DimLike:
    """`ceil(numerator / denominator)`."""
    return -floor_div(-numerator, denominator)


def maximum(left: DimLike, right: DimLike) -> DimLike:
    """The larger of two sizes."""
    difference = left - right
    if at_least(difference, 0):
        return left
    if isinstance(difference, int) or at_least(0, difference):
        return right
    # One form for each pair, so that max(n, 1) - 1 and n - min(n, 1) are equal: both are max(0, n - 1).
    if difference.terms[0][1] > 0:
        return right + Dim.of(Max(0, difference))
    return left + Dim.of(Max(0, -difference))


def minimum(left: DimLike, right: DimLike) -> DimLike:
    """The smaller of two sizes."""
    return -maximum(-left, -right)


def at_least(left: DimLike, right: DimLike) -> bool:
    """True where `left >= right` follows from symbols being non-negative; False where it does not follow."""
    difference = left - right
    if all(
        coefficient >= 0 and all(_is_natural(atom) for atom in monomial) for monomial, coefficient in _terms(difference)
    ):
        return True
    for monomial, coefficient in _terms(difference):
        if len(monomial) == 1 and isinstance(monomial[0], Max):
            # The maximum is one of its sides: with a positive sign either bounds it from below, else both must do.
            rest = difference - _term(monomial, coefficient)
            sides = (at_least(rest + side * coefficient, 0) for side in (monomial[0].left, monomial[0].right))
            return any(sides) if coefficient > 0 else all(sides)
    return False


def product(dims: tuple[DimLike, ...] | list[DimLike]) -> DimLike:
    """The product of sizes; 1 of none."""
    total: DimLike = 1
    for dim in dims:
        total = total * dim
    return total


def _decide_at_least(left: DimLike, right: DimLike) -> bool:
    if at_least(left, right):
        return True
    if at_least(right, left + 1):
        return False
    undecided = left - right
    assert isinstance(undecided, Dim)
    raise SymbolicDimError(undecided, "a comparison of sizes")


def _is_natural(atom: Atom) -> bool:
    if isinstance(atom, Symbol):
        return True
    if isinstance(atom, FloorDiv):
        return at_least(atom.numerator, 0) and at_least(atom.denominator, 0)
    return at_least(atom.left, 0) or at_least(atom.right, 0)


def _children_symbols(atom: FloorDiv | Max) -> frozenset[str]:
    if isinstance(atom, FloorDiv):
        return symbols_of(atom.numerator) | symbols_of(atom.denominator)
    return symbols_of(atom.left) | symbols_of(atom.right)


def _monomial_text(monomial: Monomial, coefficient: int) -> str:
    factors = [atom.key for atom in monomial]
    if not factors:
        return str(coefficient)
    if coefficient == -1:
        return "-" + "*".join(factors)
    return "*".join(factors if coefficient == 1 else [str(coefficient), *factors])


def _terms(dim: DimLike) -> tuple[tuple[Monomial, int], ...]:
    return dim.terms if isinstance(dim, Dim) else ((((), dim),) if dim else ())


def _term(monomial: Monomial, coefficient: int) -> DimLike:
    return _from_terms({monomial: coefficient})


def _order(item: tuple[Monomial, int]) -> tuple[int, str]:
    # Highest degree first and the constant last, as people write polynomials.
    return (-len(item[0]), "*".join(atom.key for atom in item[0]))


def _from_terms(terms: Mapping[Monomial, int]) -> DimLike:
    kept = sorted(((monomial, coefficient) for monomial, coefficient in terms.items() if coefficient), key=_order)
    if not kept:
        return 0
    if len(kept) == 1 and kept[0][0] == ():
        return kept[0][1]
    return Dim(tuple(kept))


def _combine(left: DimLike, right: DimLike, sign: int) -> DimLike:
    terms = dict(_terms(left))
    for monomial, coefficient in _terms(right):
        terms[monomial] = terms.get(monomial, 0) + sign * coefficient
    return _from_terms(terms)


def _multiply(left: DimLike, right: DimLike) -> DimLike:
    count = len(_terms(left)) * len(_terms(right))
    if count > _MOST_TERMS:
        raise ValueError(f"A product of sizes would have {count} terms; at most {_MOST_TERMS} are computed.")
    terms: dict[Monomial, int] = {}
    for a, x in _terms(left):
        for b, y in _terms(right):
            monomial = tuple(sorted(a + b, key=lambda atom: atom.key))
            terms[monomial] = terms.get(monomial, 0) + x * y
    return _from_terms(terms)


def common_factor(*dims: DimLike) -> Monomial:
    """The atoms that are factors of every term of all expressions; none if one of them is a number."""
    monomials = [Counter(monomial) for dim in dims for monomial, _ in _terms(dim)]
    return tuple(sorted(reduce(and_, monomials).elements(), key=lambda atom: atom.key)) if monomials else ()


def without_factor(dim: Dim) -> DimLike:
    """The expression divided by what is a factor of every term: 0 where it is 0 and those factors are not."""
    whole = _without(dim, common_factor(dim))
    divisor = gcd(*(coefficient for _, coefficient in _terms(whole)))
    return _from_terms({monomial: coefficient // divisor for monomial, coefficient in _terms(whole)})


def _without(dim: DimLike, factor: Monomial) -> DimLike:
    """The quotient by atoms that are factors of every term."""
    terms = {}
    for monomial, coefficient in _terms(dim):
        left = list(monomial)
        for atom in factor:
            left.remove(atom)
        terms[tuple(left)] = coefficient
    return _from_terms(terms)
