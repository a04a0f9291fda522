"""What Cornu asks of this distribution."""

from cornu.layers import Layer
from cornu.plugins import hookimpl

import cornu_extras


@hookimpl
def cornu_layers() -> dict[str, type[Layer]]:
    """All layers of the package by name."""
    layers = {name: getattr(cornu_extras, name) for name in cornu_extras.__all__}
    return {name: layer for name, layer in layers.items() if layer.__name__ == name}
