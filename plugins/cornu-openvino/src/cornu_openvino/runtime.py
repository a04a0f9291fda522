"""What all executables of a backend share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cornu_openvino.memory import Memory


@dataclass(frozen=True)
class Runtime:
    """OpenVINO, set up.

    Args:
        module: The module `openvino`.
        core: Its core.
        properties: What every compilation is asked for, by OpenVINO's own keys.
        memory: Where results lie.
    """

    module: Any
    core: Any
    properties: Mapping[str, Any]
    memory: Memory = field(default_factory=Memory)
