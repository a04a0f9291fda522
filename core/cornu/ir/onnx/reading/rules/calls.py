"""Recording a composite that a standard operator stands for, so that writing it again gives that operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu.ir.builder import Builder
from cornu.ir.program import Value


def call(
    b: Builder, name: str, inputs: Sequence[Value], body: Callable[..., Sequence[Value]], **config: Any
) -> tuple[Value, ...]:
    """Records a `Call`.

    Args:
        b: The builder.
        name: The composite's name.
        inputs: Its operands.
        body: `(builder, *operands) -> results`, in primitives.
        config: The composite's configuration.
    """
    inner = Builder(name, b)
    given = [inner.input(b.resolve_type(value.type)) for value in inputs]
    program = inner.finish(body(inner, *given))
    return b.emit("Call", inputs, {"name": name, "body": program, **config})
