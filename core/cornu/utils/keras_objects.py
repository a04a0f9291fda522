"""Small helpers around symbolic tensors, dtypes and the state of the process."""

from __future__ import annotations

import gc
from typing import Any

from cornu import tree
from cornu.ops.keras_tensor import KerasTensor
from cornu.utils.dtypes import resolve_dtype
from cornu.utils.naming import reset_uids


def clear_session(free_memory: bool = True) -> None:
    """Starts names of layers from the beginning, and lets go of memory that nothing refers to.

    Args:
        free_memory: Whether to collect garbage now.

    Example:
        >>> import cornu
        >>> clear_session()
        >>> cornu.layers.Dense(1).name
        'dense'
    """
    reset_uids()
    if free_memory:
        gc.collect()


def is_keras_tensor(x: Any) -> bool:
    """Whether something is a symbolic tensor.

    Example:
        >>> import cornu
        >>> is_keras_tensor(cornu.Input((2,))), is_keras_tensor(cornu.ops.zeros((2,)))
        (True, False)
    """
    return isinstance(x, KerasTensor)


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype given in any way; the configured float type for None.

    Raises:
        ValueError: If there is no such dtype.

    Example:
        >>> standardize_dtype(np.float64), standardize_dtype("int")
        ('float64', 'int32')
    """
    try:
        return resolve_dtype(dtype)
    except TypeError as error:
        raise ValueError(f"standardize_dtype: {error}") from None


def get_source_inputs(tensor: Any) -> list[KerasTensor]:
    """The inputs that a symbolic tensor depends on, in the order in which a walk from it meets them.

    Args:
        tensor: A KerasTensor; one that nothing made is its own.

    Example:
        >>> import cornu
        >>> x = cornu.Input((2,), name="x")
        >>> [source.name for source in get_source_inputs(cornu.layers.Dense(1)(x))]
        ['x']
    """
    found: dict[int, KerasTensor] = {}
    seen: set[int] = set()
    pending: list[KerasTensor] = list(reversed(tree.flatten(tensor)))
    while pending:
        current = pending.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        history = current._keras_history
        node = None if history is None else history.operation._inbound_nodes[history.node_index]
        if node is None or node.is_input:
            found.setdefault(id(current), current)
        else:
            pending += reversed(node.input_tensors)
    return list(found.values())
