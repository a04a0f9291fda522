"""Layers, under Keras's names."""

from cornu.layers.convolution import Conv1D, Conv2D, Conv3D
from cornu.layers.core import Activation, Dense, Embedding, ReLU
from cornu.layers.input_layer import Input, InputLayer
from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.layers.normalization import BatchNormalization
from cornu.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    MaxPooling2D,
)
from cornu.layers.regularization import Dropout
from cornu.layers.reshaping import (
    Add,
    Average,
    Concatenate,
    Flatten,
    Maximum,
    Minimum,
    Multiply,
    Rescaling,
    Reshape,
    Subtract,
)

AvgPool1D, AvgPool2D = AveragePooling1D, AveragePooling2D
Convolution1D, Convolution2D, Convolution3D = Conv1D, Conv2D, Conv3D
GlobalAvgPool2D, GlobalMaxPool2D = GlobalAveragePooling2D, GlobalMaxPooling2D
MaxPool1D, MaxPool2D = MaxPooling1D, MaxPooling2D


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


__all__ = [
    "Activation",
    "Add",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AvgPool1D",
    "AvgPool2D",
    "BatchNormalization",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalAvgPool2D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling2D",
    "Input",
    "InputLayer",
    "InputSpec",
    "Layer",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPooling1D",
    "MaxPooling2D",
    "Maximum",
    "Minimum",
    "Multiply",
    "ReLU",
    "Rescaling",
    "Reshape",
    "Subtract",
    "deserialize",
    "serialize",
]
