"""What a kernel is made for, and the register of kernels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch

Shape: TypeAlias = tuple[int, ...]
Run: TypeAlias = Callable[..., Any]
Body: TypeAlias = Callable[[Sequence[torch.Tensor]], list[torch.Tensor]]


@dataclass(frozen=True)
class Site:
    """One node with every size known.

    Args:
        op: The primitive, or the composite's name.
        attributes: Its attributes, every `Dim` replaced by its size; sub-programs as they are.
        dtypes: The operands' element types.
        shapes: The operands' shapes.
        result_dtypes: The results' element types.
        result_shapes: The results' shapes.
        device: Where it runs.
        body: Makes a function of tensors from a sub-program and the shapes of its inputs. Positions of outputs that the
            caller copies anyway may be given besides.
        overwrite: The operand that nobody reads afterwards, so that the result may be written there; None for none.
    """

    op: str
    attributes: Mapping[str, Any]
    dtypes: tuple[str, ...]
    shapes: tuple[Shape, ...]
    result_dtypes: tuple[str, ...]
    result_shapes: tuple[Shape, ...]
    device: torch.device
    body: Callable[..., Body]
    overwrite: int | None = None

    @property
    def dtype(self) -> str:
        """The first operand's element type."""
        return self.dtypes[0]


def _never(site: Site) -> bool:
    return False


def _accepts_all(dtypes: Sequence[str], attributes: Mapping[str, Any], on_cpu: bool) -> bool:
    return True


Accepts: TypeAlias = Callable[[Sequence[str], Mapping[str, Any], bool], bool]


@dataclass(frozen=True)
class Kernel:
    """How torch computes one operator.

    Args:
        make: From a site to a function of tensors; it returns a tensor, or a sequence where there are several results.
        dtypes: The element types that it is right for: those of the operand at `data`.
        data: Which operand's element type is asked for.
        accepts: Further conditions: of all dtypes, the attributes, and whether it is to run on the CPU.
        overwrites: The operands that the result may be written over.
        views: Whether results may lie in the operands' memory.
        stretches: Whether elements of a result may share memory with each other.
        shared: Whether the results may share memory with each other.
        sequence: Whether the function returns a sequence for one result, too.
    """

    make: Callable[[Site], Run]
    dtypes: frozenset[str]
    data: int = 0
    accepts: Accepts = _accepts_all
    overwrites: tuple[int, ...] = ()
    views: Callable[[Site], bool] = _never
    stretches: bool = False
    shared: bool = False
    sequence: bool = False


KERNELS: dict[str, Kernel] = {}
"""By primitive, or by the composite's name."""

FUSED: dict[str, Kernel] = {}
"""By names of our own, which only `cornu_torch.lowering` gives."""


def lookup(name: str) -> Kernel:
    """The kernel of an operator of a lowered program."""
    return FUSED.get(name) or KERNELS[name]


def always(site: Site) -> bool:
    """For `Kernel.views`."""
    return True


Make: TypeAlias = Callable[[Site], Run]


def kernel(*names: str, dtypes: frozenset[str], **options: Any) -> Callable[[Make], Make]:
    """Registers what makes a kernel, under one or more names; the options are those of `Kernel`."""

    def add(make: Make) -> Make:
        KERNELS.update((name, Kernel(make, dtypes, **options)) for name in names)
        return make

    return add


def fused(*names: str, **options: Any) -> Callable[[Make], Make]:
    """The same for operators of our own, which nobody asks for."""

    def add(make: Make) -> Make:
        FUSED.update((name, Kernel(make, frozenset(), **options)) for name in names)
        return make

    return add


@dataclass
class Written:
    """An elementwise function that can write its result over an operand.

    Args:
        function: The function; it takes `out`.
    """

    function: Run

    def __call__(self, site: Site) -> Run:
        function, place = self.function, site.overwrite
        if place is None:
            return function
        if len(site.shapes) == 1:
            return lambda x: function(x, out=x)
        if len(site.shapes) == 2:
            return (lambda x, y: function(x, y, out=x)) if place == 0 else (lambda x, y: function(x, y, out=y))
        return lambda *operands: function(*operands, out=operands[place])


def elementwise(name: str, function: Run, dtypes: frozenset[str], operands: int = 1, **options: Any) -> None:
    """Registers a function of torch's that takes `out`."""
    KERNELS[name] = Kernel(Written(function), dtypes, overwrites=tuple(range(operands)), **options)
