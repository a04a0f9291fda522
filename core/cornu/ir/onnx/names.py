"""Names that are unique in a model and can be read."""

from __future__ import annotations

from cornu.ir.dim import DimLike

_LONGEST_TEXT = 24


class Names:
    """Gives out every name once: `dense/MatMul`, then `dense/MatMul_1`."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def unique(self, wish: str) -> str:
        """The wish itself, or the wish with the first free number."""
        name, number = wish, self._next.get(wish, 0)
        while name in self._taken:
            number += 1
            name = f"{wish}_{number}"
        self._next[wish] = number
        self._taken.add(name)
        return name


class SizeNames:
    """Names symbolic sizes: by their expression, or, where that is long, `size_1`, `size_2`, ..."""

    def __init__(self) -> None:
        self._long: dict[DimLike, str] = {}

    def __call__(self, dim: DimLike) -> str:
        if dim in self._long:
            return self._long[dim]
        text = str(dim)
        if len(text) <= _LONGEST_TEXT:
            return text
        self._long[dim] = f"size_{len(self._long) + 1}"
        return self._long[dim]


def join(*parts: str) -> str:
    """A path of the parts that are not empty."""
    return "/".join(part for part in parts if part)
