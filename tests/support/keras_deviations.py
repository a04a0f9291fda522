"""Every deliberate difference from Keras's signatures, with its reason: what spec/keras_api.md shows.

A key is a dotted name or a pattern of `fnmatch`, methods as "keras.Model.export". A pattern that matches no difference
fails a test, so that the table holds nothing that is no longer so.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

MORE_NAMED = "what Keras takes in `**kwargs` or refuses is named"
JAX_STEP = "recorded on Keras's JAX backend, which passes state; here as on its TensorFlow and torch backends"

SIGNATURES = {
    "keras.*.result_type": "the parameters are called `operands`",
    "keras.KerasTensor": "tensors are dense: there is no `ragged`",
    "keras.Sequential": "takes `dtype`, too",
    "keras.models.Sequential": "takes `dtype`, too",
    "keras.Variable": "there is no `layout`: no distribution over devices",
    "keras.config.set_backend": "takes the backend's options; switches at once, without a restart",
    "keras.*.add_weight": "`shape` and what follows may be given by position, too",
    "keras.*.compute_output_spec": "one for all layers: `inputs, training, mask` are among `*args, **kwargs`",
    "keras.*.deserialize_keras_object": MORE_NAMED,
    "keras.saving.load_weights": MORE_NAMED,
    "keras.saving.save_model": MORE_NAMED,
    "keras.*.save_weights": MORE_NAMED + "; weights are one file, so there is no `max_shard_size`",
    "keras.*.export": "the default format is ONNX",
    "keras.*.train_step": JAX_STEP,
    "keras.*.test_step": JAX_STEP,
    "keras.*.predict_step": JAX_STEP,
}

ABSENT_METHODS = {
    "keras.*.quantize": "there is no quantization",
    "keras.*.quantized_build": "there is no quantization",
    "keras.*.quantized_call": "there is no quantization",
    "keras.*.get_quantization_layer_structure": "there is no quantization",
    "keras.*.rematerialized_call": "internal to Keras; `keras.remat` does it",
    "keras.*.jax_state_sync": "of Keras's JAX backend only",
    "keras.*.compute_loss_and_updates": "of Keras's JAX backend only",
    "keras.*.add_metric": "raises in Keras, too, since 3.0",
    "keras.*.add_variable": "an older name of `add_weight`",
    "keras.KerasTensor.*": "`keras.ops` has it",
}

ABSENT_MODULES = {
    "keras.applications": "pretrained architectures",
    "keras.distillation": "knowledge distillation",
    "keras.distribution": "training on several devices",
    "keras.quantizers": "there is no quantization",
    "keras.optimizers.legacy": "these raise in Keras, too",
    "keras.wrappers": "wrappers for scikit-learn",
    "keras.visualization": "drawing of images with boxes and masks",
    "keras.utils.bounding_boxes": "for image augmentation",
    "keras.legacy": "files of Keras 2 are read by `keras.saving` itself",
    "keras.utils.legacy": "files of Keras 2 are read by `keras.saving` itself",
}


def reason(table: dict[str, str], name: str) -> str | None:
    """The reason for a name, from the table's first pattern that matches it."""
    return next((text for pattern, text in table.items() if fnmatchcase(name, pattern)), None)


def used(table: dict[str, str], names: list[str]) -> set[str]:
    """The table's patterns that explain one of these names."""
    return {next(pattern for pattern in table if fnmatchcase(name, pattern)) for name in names if reason(table, name)}
