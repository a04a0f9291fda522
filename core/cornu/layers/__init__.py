"""Layers, under Keras's names; one folder for each family, imported when a layer of it is first used."""

from __future__ import annotations

from typing import Any

from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.lazy import lazy_names

# Module → the layers that it defines. A new layer is listed here and nowhere else.
_MODULES = {
    "activations.activation": ("Activation",),
    "activations.rectifiers": ("ReLU",),
    "convolutional.convolution": ("Conv1D", "Conv2D", "Conv3D"),
    "convolutional.depthwise": ("DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"),
    "convolutional.transposed": ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
    "core.dense": ("Dense",),
    "core.embedding": ("Embedding",),
    "core.input_layer": ("Input", "InputLayer"),
    "merging.merging": ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract"),
    "normalization.batch_normalization": ("BatchNormalization",),
    "pooling.pooling": (
        "AveragePooling1D",
        "AveragePooling2D",
        "GlobalAveragePooling2D",
        "GlobalMaxPooling2D",
        "MaxPooling1D",
        "MaxPooling2D",
    ),
    "preprocessing.rescaling": ("Rescaling",),
    "regularization.dropout": ("Dropout",),
    "reshaping.reshape": ("Flatten", "Reshape"),
}

# Another name that Keras has for a layer → the layer.
_ALIASES = {
    "AvgPool1D": "AveragePooling1D",
    "AvgPool2D": "AveragePooling2D",
    "Convolution1D": "Conv1D",
    "Convolution1DTranspose": "Conv1DTranspose",
    "Convolution2D": "Conv2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "Convolution3D": "Conv3D",
    "Convolution3DTranspose": "Conv3DTranspose",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "MaxPool1D": "MaxPooling1D",
    "MaxPool2D": "MaxPooling2D",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
}


def serialize(layer: Layer) -> dict[str, object]:
    """A layer as a config."""
    from cornu.saving import serialize_keras_object

    config: dict[str, object] = serialize_keras_object(layer)
    return config


def deserialize(config: dict[str, object], custom_objects: dict[str, object] | None = None) -> Layer:
    """A layer from a config."""
    from cornu.saving import deserialize_keras_object

    layer: Layer = deserialize_keras_object(config, custom_objects=custom_objects)
    return layer


_HOMES = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}
_LAZY, _ = lazy_names(__name__, _HOMES)
__all__ = ["InputSpec", "Layer", "deserialize", "serialize", *sorted({*_HOMES, *_ALIASES})]


def __getattr__(name: str) -> Any:
    return _LAZY(_ALIASES.get(name, name))


def __dir__() -> list[str]:
    return __all__
