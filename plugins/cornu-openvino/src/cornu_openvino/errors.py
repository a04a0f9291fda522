"""OpenVINO's messages as the contract's errors."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cornu.backend.contract import BackendError

_SOURCE = re.compile(r"^(Exception from )?\S*src/\S+:\d+:\s*", re.MULTILINE)
_CHECK = re.compile(r"Check '.*' failed at (?:\S*src/\S+:\d+:?)?\s*")


def backend_error(error: Exception, nodes: Mapping[str, tuple[str, str]]) -> BackendError:
    """What went wrong, with the node and the layer that it belongs to.

    Args:
        error: OpenVINO's exception.
        nodes: The operator and layer of each node of the model, by its name and those of its outputs.
    """
    text = str(error)
    name = max((known for known in nodes if known and f"'{known}'" in text), key=len, default="")
    message = " ".join(_CHECK.sub("", _SOURCE.sub("", text)).split()) or text
    node, layer = nodes.get(name, ("", ""))
    return BackendError(f"OpenVINO: {message}", node, layer)
