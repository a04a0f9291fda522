"""Keras's questions about dtypes."""

from __future__ import annotations

from typing import Any


def is_float_dtype(dtype: Any) -> bool:
    """Whether a dtype is a floating-point one.

    Args:
        dtype: A dtype or its name; None means the configured float type.

    Example:
        >>> is_float_dtype("bfloat16"), is_float_dtype("int8")
        (True, False)
    """
    from cornu.ir.types import is_float
    from cornu.utils.dtypes import resolve_dtype

    return is_float(resolve_dtype(dtype))


def is_int_dtype(dtype: Any) -> bool:
    """Whether a dtype is an integer one, signed or not; bool is none.

    Args:
        dtype: A dtype or its name; None means the configured float type.

    Example:
        >>> is_int_dtype("uint8"), is_int_dtype("bool")
        (True, False)
    """
    from cornu.ir.types import is_integer
    from cornu.utils.dtypes import resolve_dtype

    return is_integer(resolve_dtype(dtype))
