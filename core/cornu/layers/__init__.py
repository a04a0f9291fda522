"""Layers, under Keras's names; one folder for each family, imported when a layer of it is first used."""

from __future__ import annotations

from typing import Any

from cornu.layers.input_spec import InputSpec
from cornu.layers.layer import Layer
from cornu.lazy import lazy_names

# Module → the layers that it defines. A new layer is listed here and nowhere else.
_MODULES = {
    "activations.activation": ("Activation",),
    "activations.elu": ("ELU",),
    "activations.rectifiers": ("LeakyReLU", "PReLU", "ReLU"),
    "activations.softmax": ("Softmax",),
    "attention.attention": ("AdditiveAttention", "Attention"),
    "attention.grouped_query_attention": ("GroupedQueryAttention",),
    "attention.multi_head_attention": ("MultiHeadAttention",),
    "convolutional.convolution": ("Conv1D", "Conv2D", "Conv3D"),
    "convolutional.depthwise": ("DepthwiseConv1D", "DepthwiseConv2D"),
    "convolutional.separable": ("SeparableConv1D", "SeparableConv2D"),
    "convolutional.transposed": ("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"),
    "core.dense": ("Dense",),
    "core.einsum_dense": ("EinsumDense",),
    "core.embedding": ("Embedding",),
    "core.identity": ("Identity",),
    "core.input_layer": ("Input", "InputLayer"),
    "core.lambda_layer": ("Lambda",),
    "core.masking": ("Masking",),
    "core.reversible_embedding": ("ReversibleEmbedding",),
    "core.wrapper": ("Wrapper",),
    "merging.concatenate": ("Concatenate",),
    "merging.dot": ("Dot",),
    "merging.elementwise": ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"),
    "merging.functions": ("add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract"),
    "normalization.batch_normalization": ("BatchNormalization",),
    "normalization.group_normalization": ("GroupNormalization",),
    "normalization.layer_normalization": ("LayerNormalization",),
    "normalization.rms_normalization": ("RMSNormalization",),
    "normalization.spectral_normalization": ("SpectralNormalization",),
    "normalization.unit_normalization": ("UnitNormalization",),
    "pooling.adaptive": (
        "AdaptiveAveragePooling1D",
        "AdaptiveAveragePooling2D",
        "AdaptiveAveragePooling3D",
        "AdaptiveMaxPooling1D",
        "AdaptiveMaxPooling2D",
        "AdaptiveMaxPooling3D",
    ),
    "pooling.global_pooling": (
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalAveragePooling3D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "GlobalMaxPooling3D",
    ),
    "pooling.windows": (
        "AveragePooling1D",
        "AveragePooling2D",
        "AveragePooling3D",
        "MaxPooling1D",
        "MaxPooling2D",
        "MaxPooling3D",
    ),
    "preprocessing.colors": (
        "RandomBrightness",
        "RandomColorDegeneration",
        "RandomColorJitter",
        "RandomContrast",
        "RandomGrayscale",
        "RandomHue",
        "RandomInvert",
        "RandomPosterization",
        "RandomSaturation",
    ),
    "preprocessing.discretization": ("Discretization",),
    "preprocessing.effects": (
        "AutoContrast",
        "Equalization",
        "RandomGaussianBlur",
        "RandomSharpness",
        "Solarization",
    ),
    "preprocessing.encoding": ("CategoryEncoding",),
    "preprocessing.geometric": (
        "RandomFlip",
        "RandomPerspective",
        "RandomRotation",
        "RandomShear",
        "RandomTranslation",
        "RandomZoom",
    ),
    "preprocessing.mel_spectrogram": ("MelSpectrogram",),
    "preprocessing.mixing": ("CutMix", "MixUp", "RandomErasing"),
    "preprocessing.normalization": ("Normalization",),
    "preprocessing.pipeline": ("Pipeline",),
    "preprocessing.rescaling": ("Rescaling",),
    "preprocessing.resizing": ("CenterCrop", "RandomCrop", "Resizing"),
    "preprocessing.stft_spectrogram": ("STFTSpectrogram",),
    "recurrent.bidirectional": ("Bidirectional",),
    "recurrent.conv_lstm": ("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
    "recurrent.gru": ("GRU", "GRUCell"),
    "recurrent.lstm": ("LSTM", "LSTMCell"),
    "recurrent.rnn": ("RNN",),
    "recurrent.simple_rnn": ("SimpleRNN", "SimpleRNNCell"),
    "recurrent.stacked_rnn_cells": ("StackedRNNCells",),
    "recurrent.time_distributed": ("TimeDistributed",),
    "regularization.activity_regularization": ("ActivityRegularization",),
    "regularization.alpha_dropout": ("AlphaDropout",),
    "regularization.dropout": ("Dropout",),
    "regularization.gaussian": ("GaussianDropout", "GaussianNoise"),
    "regularization.spatial_dropout": ("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
    "reshaping.cropping": ("Cropping1D", "Cropping2D", "Cropping3D"),
    "reshaping.reshape": ("Flatten", "Permute", "RepeatVector", "Reshape"),
    "reshaping.up_sampling": ("UpSampling1D", "UpSampling2D", "UpSampling3D"),
    "reshaping.zero_padding": ("ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"),
}

# Another name that Keras has for a layer → the layer.
_ALIASES = {
    "AvgPool1D": "AveragePooling1D",
    "AvgPool2D": "AveragePooling2D",
    "AvgPool3D": "AveragePooling3D",
    "Convolution1D": "Conv1D",
    "Convolution1DTranspose": "Conv1DTranspose",
    "Convolution2D": "Conv2D",
    "Convolution2DTranspose": "Conv2DTranspose",
    "Convolution3D": "Conv3D",
    "Convolution3DTranspose": "Conv3DTranspose",
    "GlobalAvgPool1D": "GlobalAveragePooling1D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalAvgPool3D": "GlobalAveragePooling3D",
    "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "GlobalMaxPool3D": "GlobalMaxPooling3D",
    "GroupQueryAttention": "GroupedQueryAttention",
    "MaxPool1D": "MaxPooling1D",
    "MaxPool2D": "MaxPooling2D",
    "MaxPool3D": "MaxPooling3D",
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
