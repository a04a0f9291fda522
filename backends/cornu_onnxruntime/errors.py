"""ONNX Runtime's messages as the contract's errors."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cornu.backend.contract import BackendError

_RUNNING = re.compile(r"while running (\S+) node\. Name:'([^']*)'\s*(?:Status Message: )?(.*)", re.DOTALL)
_CREATING = re.compile(r"[Nn]ode\s*(?:\(|:\s*name:?\s*|name:\s*')?\(?([^)'\n]+?)['\)]")
_SOURCE = re.compile(r"\S*/onnxruntime_src/\S+ (?:.*?\) )?")


def backend_error(
    error: Exception, origins: Mapping[str, tuple[str, str]], spent: frozenset[int] = frozenset()
) -> BackendError:
    """What went wrong, with the node and layer it belongs to.

    Args:
        error: ONNX Runtime's exception.
        origins: The operator and layer of each node of the model by the node's name.
        spent: The positions of donated inputs that may have been written to.
    """
    text = str(error)
    found = _RUNNING.search(text)
    if found:
        kind, name, message = found.groups()
    else:
        named = _CREATING.search(text)
        kind, name, message = "", named[1] if named else "", text
    op, layer = origin_of(name, origins)
    message = _SOURCE.sub("", message).strip() or text
    if op and kind and kind != op:
        node = f"{name} ({kind} of {op})"
    else:
        node = f"{name} ({kind or op})" if name and (kind or op) else name
    return BackendError(f"ONNX Runtime: {message}", node=node, layer=layer, spent=spent)


def origin_of(name: str, origins: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """A node's operator and layer; a fused node is known by the longest of our names in its own."""
    if name in origins:
        return origins[name]
    inside = max((known for known in origins if known and known in name), key=len, default="")
    return origins.get(inside, ("", ""))
