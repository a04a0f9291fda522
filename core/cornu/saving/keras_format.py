"""The `.keras` format: a zip archive (or a folder) of metadata.json, config.json, model.weights.h5 and assets/."""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from cornu.saving import atomic
from cornu.saving.archive import ArchiveReader, ArchiveWriter, parse_json
from cornu.saving.atomic import atomic_file, atomic_folder
from cornu.saving.deserialize import deserialize_keras_object
from cornu.saving.hdf5 import H5Reader, written_to
from cornu.saving.legacy_config import upgrade_model
from cornu.saving.legacy_training import upgrade_optimizer
from cornu.saving.scopes import ObjectSharingScope, drop_single_numbers
from cornu.saving.serialize import serialize_keras_object
from cornu.saving.state import StateReader, StateWriter

FORMAT_VERSION = "3.15.1"  # the version of Keras whose format this is
METADATA = "metadata.json"
CONFIG = "config.json"
WEIGHTS = "model.weights.h5"
ASSETS = "assets"


def model_config(model: Any) -> dict[str, Any]:
    """A model's whole config, as config.json holds it."""
    with ObjectSharingScope():
        config: dict[str, Any] = drop_single_numbers(serialize_keras_object(model))
    return config


def metadata() -> dict[str, str]:
    """What metadata.json holds."""
    return {"keras_version": FORMAT_VERSION, "date_saved": datetime.now().strftime("%Y-%m-%d@%H:%M:%S")}


# -- writing -----------------------------------------------------------------------------------------------------


def save_archive(model: Any, path: Path) -> None:
    """Saves a model as a `.keras` file, whole or not at all."""
    config = _config_to_save(model)
    with atomic_file(path) as file:
        write_archive(model, file, config)


def _config_to_save(model: Any) -> dict[str, Any]:
    if not model.built:
        warnings.warn(
            f"Model '{model.name}' is saved before it is built: the file may have no weights. Call it on data first.",
            stacklevel=4,
        )
    return model_config(model)


def write_archive(model: Any, file: IO[bytes], config: dict[str, Any] | None = None) -> None:
    """Writes a model in the `.keras` format to an open binary file."""
    config = model_config(model) if config is None else config
    with _temporary_folder() as assets, ArchiveWriter(file) as archive:
        archive.json(METADATA, metadata())
        archive.json(CONFIG, config)
        with archive.member(WEIGHTS) as member, written_to(member) as variables:
            StateWriter(variables, assets).write(model)
        archive.folder(ASSETS, assets)


def save_folder(model: Any, path: Path) -> None:
    """Saves a model as a folder with the same content, whole or not at all."""
    config = _config_to_save(model)
    with atomic_folder(path) as folder, _temporary_folder() as assets:
        for name, value in ((METADATA, metadata()), (CONFIG, config)):
            with atomic.open_new(folder / name) as file:
                file.write(json.dumps(value).encode())
        with atomic.open_new(folder / WEIGHTS) as file, written_to(file) as variables:
            StateWriter(variables, assets).write(model)
        if any(item.is_file() for item in assets.rglob("*")):
            shutil.copytree(assets, folder / ASSETS)


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="cornu-") as folder:
        yield Path(folder)


# -- reading -----------------------------------------------------------------------------------------------------


def load_archive(
    source: Path | IO[bytes], custom_objects: Mapping[str, Any] | None, compile: bool, safe_mode: bool
) -> Any:
    """Reads a model from a `.keras` file."""
    with ArchiveReader(source) as archive:
        config = _of_today(archive.json(CONFIG), archive.json(METADATA) if METADATA in archive else {}, custom_objects)
        if WEIGHTS not in archive:
            raise ValueError(f"{archive.name} has no member {WEIGHTS!r}; it has {', '.join(archive.names())}.")
        model = model_from_config(config, custom_objects, compile, safe_mode)
        has_assets = any(name.startswith(f"{ASSETS}/") for name in archive.names())
        with _temporary_folder() if has_assets else nullcontext() as assets:
            if assets is not None:
                archive.extract(ASSETS, assets)
            with archive.open(WEIGHTS) as weights, H5Reader(weights) as variables:
                variables.name = f"{archive.name}/{WEIGHTS}"
                read_state(model, variables, assets)
    return model


def _of_today(config: Any, about: Any, custom_objects: Mapping[str, Any] | None) -> Any:
    """The config, translated if Keras 2.12 to 2.15 wrote it."""
    version = about.get("keras_version") if isinstance(about, dict) else None
    if not isinstance(version, str) or not version.startswith("2."):
        return config
    upgraded = upgrade_model(config, custom_objects)
    compiled = upgraded.get("compile_config")
    if isinstance(compiled, dict) and isinstance(compiled.get("optimizer"), dict):
        upgraded["compile_config"] = {**compiled, "optimizer": upgrade_optimizer(compiled["optimizer"], custom_objects)}
    return upgraded


def load_folder(path: Path, custom_objects: Mapping[str, Any] | None, compile: bool, safe_mode: bool) -> Any:
    """Reads a model from a folder."""
    config = parse_json((path / CONFIG).read_bytes(), str(path / CONFIG))
    model = model_from_config(config, custom_objects, compile, safe_mode)
    assets = path / ASSETS
    with H5Reader(path / WEIGHTS) as variables:
        read_state(model, variables, assets if assets.is_dir() else None)
    return model


def read_state(model: Any, variables: H5Reader, assets: Path | None) -> None:
    """Fills a model from its state file; raises if a part of it is missing or does not fit."""
    reader = StateReader(variables, assets)
    reader.read(model)
    reader.report()


def model_from_config(
    config: Any, custom_objects: Mapping[str, Any] | None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """A model with fresh weights from the content of config.json."""
    if not isinstance(config, dict) or "class_name" not in config:
        raise ValueError("The file's config does not describe a model: it has no class name.")
    if not compile:
        config = {**config, "compile_config": None}
    with ObjectSharingScope():
        return deserialize_keras_object(config, custom_objects, safe_mode)
