"""Models, under Keras's names."""

from typing import Any

from cornu.models.cloning import clone_model
from cornu.models.functional import Functional
from cornu.models.model import Model, model_from_json
from cornu.models.onnx_model import OnnxModel, from_onnx
from cornu.models.sequential import Sequential


def load_model(filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True) -> Model:
    """Loads a model from a `.keras` or `.h5` file."""
    from cornu.saving import load_model

    model: Model = load_model(filepath, custom_objects=custom_objects, compile=compile, safe_mode=safe_mode)
    return model


def save_model(model: Model, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Saves a model as `.keras` or `.h5`; see `Model.save`."""
    from cornu.saving import save_model

    save_model(model, filepath, overwrite=overwrite, zipped=zipped, **kwargs)


__all__ = [
    "Functional",
    "Model",
    "OnnxModel",
    "Sequential",
    "clone_model",
    "from_onnx",
    "load_model",
    "model_from_json",
    "save_model",
]
