"""Writes spec/primitives.md from the registry: `python tests/support/describe_primitives.py`."""

from __future__ import annotations

import importlib
import inspect
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import cornu.primitives
import numpy as np
from cornu.ir.primitive import Primitive, all_primitives
from cornu.ir.types import DTYPES, FLOATS, INTEGERS, NUMBERS, SIGNED, UNSIGNED, TensorType, dtype_name
from cornu_conformance.case import Case, load_cases

PAGE = Path(__file__).parents[2] / "spec" / "primitives.md"

HEAD = """# Primitives

Written by `python tests/support/describe_primitives.py` from the registry; do not edit. What each computes at ties,
kinks and edges stands in [gradients and edge values](gradients.md); the reference kernels in `core/cornu/primitives/`
define it.

Operators are ONNX's in name and mathematics, but what ONNX passes as tensors of sizes and axes is attributes here, and
attributes marked *dim* may be symbolic. Axes count from 0 and are never negative. Of each group of operands joined by
`,` all have one dtype. ∇: there is a gradient rule. ⊃: there is a decomposition into other primitives, so that a
backend need not support it.
"""

_DIMS = ("DimLike", "Dims", "Shape")
_SETS = {
    frozenset(DTYPES): "any",
    frozenset(NUMBERS): "numbers",
    frozenset(FLOATS): "floats",
    frozenset(INTEGERS): "integers",
    frozenset(UNSIGNED): "unsigned",
    frozenset((*FLOATS, *SIGNED)): "floats, signed",
}


def families() -> Iterator[tuple[ModuleType, list[Primitive]]]:
    """The modules of primitives with what each registers: by the module of the rule's file, in order."""
    by_module: dict[str, list[Primitive]] = {}
    for primitive in all_primitives().values():
        by_module.setdefault(primitive.infer.__module__, []).append(primitive)
    for name in cornu.primitives.__all__:
        if found := by_module.pop(f"cornu.primitives.{name}", None):
            yield getattr(cornu.primitives, name), found
    assert not by_module, f"not listed in cornu.primitives: {by_module}"


def operands_of(primitive: Primitive, cases: Sequence[Case]) -> str:
    """The operands in groups of one dtype, with the dtypes that the shape rule takes."""
    parameters = list(inspect.signature(primitive.infer).parameters.values())
    names = [p.name for p in parameters if p.annotation == "TensorType" and p.kind != p.VAR_POSITIONAL]
    names += ["operands..." for p in parameters if p.kind == p.VAR_POSITIONAL]
    if not names:
        return "none"
    case = next((case for case in cases if case.inputs[: case.operands]), None)
    if case is None or any("Program" in str(p.annotation) for p in parameters):  # the bodies say which dtypes
        return ", ".join(f"`{name}`" for name in names)
    arrays = [np.asarray(value) for value in case.inputs[: case.operands]]
    groups: dict[np.dtype, list[int]] = {}
    for i, array in enumerate(arrays):
        groups.setdefault(array.dtype, []).append(i)
    described = []
    for members in groups.values():
        allowed = frozenset(dtype for dtype in DTYPES if any(_fits(primitive, c, members, dtype) for c in cases))
        shown = _SETS.get(allowed) or ", ".join(sorted(allowed, key=DTYPES.index))
        labels = dict.fromkeys(names[min(i, len(names) - 1)] for i in members)
        described.append(f"{', '.join(f'`{label}`' for label in labels)}: {shown}")
    return "; ".join(described)


def _fits(primitive: Primitive, case: Case, members: Sequence[int], dtype: str) -> bool:
    arrays = [np.asarray(value) for value in case.inputs[: case.operands]]
    if len(arrays) <= max(members):
        return False
    types = [TensorType(dtype if i in members else _native(array.dtype), array.shape) for i, array in enumerate(arrays)]
    try:
        primitive.infer(*types, **case.attributes_for("float32"))
    except (TypeError, ValueError):
        return False
    return True


def _native(dtype: np.dtype) -> str:
    return "float32" if dtype == np.float64 else dtype_name(dtype)


def attributes_of(primitive: Primitive) -> str:
    """The attributes, each with its type."""
    shown = []
    for p in inspect.signature(primitive.infer).parameters.values():
        if p.annotation == "TensorType" or p.kind == p.VAR_KEYWORD:
            continue
        kind = "dim" if p.annotation in _DIMS else str(p.annotation).replace(" | None", "?")
        plural = kind == "dim" and p.annotation != "DimLike"
        kind = {"Ints": "ints", "Axes": "ints", "tuple[int, ...]": "ints", "np.ndarray": "array"}.get(kind, kind)
        shown.append(f"`{p.name}`: {'*dims*' if plural else '*dim*' if kind == 'dim' else kind.lower()}")
    return ", ".join(shown) or "none"


def shape_rule(primitive: Primitive) -> str:
    """The sentence of the shape rule's docstring that tells the result's shape."""
    text = inspect.getdoc(primitive.infer) or ""
    _, _, rule = text.partition("Shape: ")
    return " ".join(rule.split("\n\n")[0].split())


def meaning(primitive: Primitive, cases_of: dict[str, Any]) -> str:
    """What the primitive computes: the first sentence of its case file, or of its shape rule."""
    text = cases_of.get(primitive.name) or inspect.getdoc(primitive.infer) or ""
    sentence = " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")
    return sentence if sentence.endswith("...") else sentence.rstrip(".")


def required() -> str:
    """The primitives that a backend must have, as the core cannot make them of others."""
    primitives = [p for p in all_primitives().values() if p.name != "Call"]
    names = [f"`{p.name}`" for p in primitives if p.required]
    text = f"Of {len(primitives)} primitives a backend must support {len(names)}, in the dtypes that it has: "
    return "\n" + textwrap.fill(text + ", ".join(names) + ".", 118, break_on_hyphens=False) + "\n"


def describe() -> str:
    """The whole page."""
    cases = load_cases()
    docs = {name: importlib.import_module(f"cornu_conformance.cases.{name}").__doc__ for name in cases}
    parts = [HEAD, required()]
    for module, primitives in families():
        title = (module.__doc__ or "").split("\n")[0].rstrip(".")
        parts.append(
            f"\n## {title}\n\n| | what | operands | attributes | shape of the result | ∇ | ⊃ |\n|" + "---|" * 7 + "\n"
        )
        for p in primitives:
            mine = cases.get(p.name, [])
            cells = [f"`{p.name}`", meaning(p, docs), operands_of(p, mine), attributes_of(p), shape_rule(p).rstrip(".")]
            marks = ["yes" if p.vjp else "no", "yes" if p.decompose else "no"]
            parts.append(f"| {' | '.join([*cells, *marks])} |\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(describe(), encoding="utf-8")
