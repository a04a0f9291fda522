"""The arguments that every optimizer takes after its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from cornu.optimizers.optimizer import Optimizer

P = ParamSpec("P")
_NAMED = inspect.Parameter.POSITIONAL_OR_KEYWORD


def with_common_arguments(init: Callable[P, None]) -> Callable[P, None]:
    """Lets a constructor take the base class's arguments by position, too, as Keras's optimizers do.

    They come after its own; its keyword-only ones come after them.

    Args:
        init: An optimizer's `__init__(self, learning_rate, ..., *, ..., **kwargs)`.

    Example:
        >>> from cornu.optimizers import SGD
        >>> SGD(0.1, 0.9, False, 0.01, 2.0).clipnorm
        2.0
    """
    call: Callable[..., None] = init
    own = inspect.signature(init).parameters
    base = inspect.signature(Optimizer.__init__).parameters
    first = [p for p in own.values() if p.kind is _NAMED]
    common = [p for name, p in base.items() if p.kind is _NAMED and name not in own]
    last = [p.replace(kind=_NAMED) for p in own.values() if p.kind is inspect.Parameter.KEYWORD_ONLY]
    signature = inspect.Signature([*first, *common, *last, base["kwargs"]])

    @wraps(init)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        given = signature.bind(*args, **kwargs).arguments
        more = given.pop("kwargs", {})
        call(**given, **more)

    wrapped.__signature__ = signature  # type: ignore[attr-defined]
    return wrapped
