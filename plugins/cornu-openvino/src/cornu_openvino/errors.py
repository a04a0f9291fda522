"""OpenVINO's messages as the contract's errors."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cornu.backend.contract import BackendError

_SOURCE = re.compile(r"^(Exception from )?\S*src/\S+:\d+:\s*", re.MULTILINE)
_CHECK = re.compile(r"Check '.*' failed at (?:\S*src/\S+:\d+:?)?\s*")


def backend_error(error: Exception, nodes: Mapping[str, str]) -> BackendError:
    """What went wrong, with the node and the layer that it belongs to.

    Args:
        error: OpenVINO's exception.
        nodes: The ONNX operator of each node of the model by its name, which is the layer's path and the operator.
    """
    text = str(error)
    name = max((known for known in nodes if known and f"'{known}'" in text), key=len, default="")
    message = " ".join(_CHECK.sub("", _SOURCE.sub("", text)).split()) or text
    return BackendError(f"OpenVINO: {message}", nodes.get(name, ""), name.rpartition("/")[0])
