"""Records under which module real Keras names each public class and each operation, as its files do. Needs Keras 3:

KERAS_BACKEND=jax python record_names.py
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from pathlib import Path

import keras
from keras.src import ops
from keras.src.api_export import get_name_from_symbol
from keras.src.ops.operation import Operation

MODULES = (
    "layers", "losses", "metrics", "optimizers", "optimizers.schedules", "initializers", "regularizers",
    "constraints", "models", "random", "dtype_policies",
)  # fmt: skip


def main() -> None:
    classes = {}
    for module in MODULES:
        for name, value in vars(importlib.import_module(f"keras.{module}")).items():
            canonical = get_name_from_symbol(value) if inspect.isclass(value) else None
            if canonical is not None and canonical.rpartition(".")[2] == name:
                classes[f"{module}.{name}"] = canonical
    operations = {}
    for info in pkgutil.walk_packages(ops.__path__, "keras.src.ops."):
        if "test" not in info.name:
            for name, value in vars(importlib.import_module(info.name)).items():
                if inspect.isclass(value) and issubclass(value, Operation) and value.__module__ == info.name:
                    operations[name] = info.name
    recorded = {"keras": keras.__version__, "classes": classes, "operations": operations}
    (Path(__file__).parent / "fixtures" / "names.json").write_text(json.dumps(recorded, indent=0, sort_keys=True))


if __name__ == "__main__":
    main()
