"""Names of objects begun anew, and Keras's questions about tensors and dtypes."""

from __future__ import annotations

import gc
from typing import Any

from cornu.utils.dtypes import resolve_dtype
from cornu.utils.naming import reset_uids


def clear_session(free_memory: bool = True) -> None:
    """Begins the names of layers and models anew: the next `Dense` is `dense` again.

    Args:
        free_memory: Whether to collect what nothing refers to any more, compiled programs of dropped models included.

    Example:
        >>> import cornu
        >>> clear_session()
        >>> cornu.layers.Dense(1).name, cornu.layers.Dense(1).name
        ('dense', 'dense_1')
    """
    reset_uids()
    if free_memory:
        gc.collect()


def is_keras_tensor(x: Any) -> bool:
    """Whether something is a symbolic tensor, as `Input` and the layers of a functional model return.

    Args:
        x: Anything.

    Example:
        >>> import cornu
        >>> is_keras_tensor(cornu.Input((2,))), is_keras_tensor(cornu.ops.ones((2,)))
        (True, False)
    """
    from cornu.ops.keras_tensor import KerasTensor

    return isinstance(x, KerasTensor)


def standardize_dtype(dtype: Any) -> str:
    """The plain name of a dtype.

    Args:
        dtype: A name, a NumPy dtype, Python's `int`, `float` or `bool`; None means the configured float type.

    Raises:
        ValueError: If there is no such dtype.

    Example:
        >>> standardize_dtype("int"), standardize_dtype(float)
        ('int32', 'float32')
    """
    try:
        return resolve_dtype(dtype)
    except TypeError as error:
        raise ValueError(f"Invalid dtype: {dtype!r}. {error}") from None
