"""Lambdas in files: Python byte code, written with a warning and only run when the reader asked for it."""

from __future__ import annotations

import base64
import marshal
from types import CellType, CodeType, FunctionType
from typing import Any


def dump_function(function: FunctionType) -> tuple[str, Any, Any]:
    """A function as base64 byte code, defaults and closure values.

    Example:
        >>> load_function(dump_function(lambda x: x + 1))(2)
        3
    """
    code = base64.encodebytes(marshal.dumps(function.__code__)).decode("ascii")
    closure = tuple(cell.cell_contents for cell in function.__closure__) if function.__closure__ else None
    return code, function.__defaults__, closure


def load_function(dumped: Any) -> FunctionType:
    """The function of `dump_function`'s result. This runs code from the file's author.

    Args:
        dumped: `(code, defaults, closure)`, the code alone, or a dict with these keys as older files have it.

    Raises:
        ValueError: If the byte code is not that of this Python version.
    """
    if isinstance(dumped, dict):
        dumped = (dumped.get("code"), dumped.get("defaults"), dumped.get("closure"))
    if isinstance(dumped, str):
        dumped = (dumped, None, None)
    text, defaults, closure = dumped
    try:
        code = marshal.loads(base64.b64decode(text))
    except (ValueError, EOFError, TypeError) as error:
        raise ValueError(f"The stored lambda is not byte code of this Python version: {error}") from error
    if not isinstance(code, CodeType):
        raise ValueError(f"The stored lambda holds a {type(code).__name__} instead of byte code.")
    cells = None if closure is None else tuple(CellType(value) for value in closure)
    return FunctionType(code, _namespace(), code.co_name, None if defaults is None else tuple(defaults), cells)


def _namespace() -> dict[str, Any]:
    """What a stored lambda can name besides builtins: Cornu's modules, NumPy, and `keras` for Cornu."""
    import numpy

    import cornu
    from cornu import ops

    return {"__builtins__": __builtins__, "np": numpy, "cornu": cornu, "keras": cornu, "ops": ops}
