"""Files made to do harm, or damaged, are refused with a reason and change nothing outside."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cornu
import h5py
import numpy as np
import pytest
from cornu import layers
from cornu.saving.archive import ArchiveReader
from cornu.saving.hdf5 import H5Reader


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2)])
    model.save(path)
    return path


def rewrite(source: Path, target: Path, change: Callable[[dict[str, bytes]], Any]) -> Path:
    """A copy of a `.keras` file with members changed."""
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return target


# -- archives ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/etc/evil", "assets/../../evil", "assets\\..\\evil", "C:/evil", "assets/a/../../../evil"]
)
def test_names_that_lead_out_are_refused(model_file: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "in" / "evil.keras"
    path.parent.mkdir()
    with zipfile.ZipFile(model_file) as source, zipfile.ZipFile(path, "w") as archive:
        for member in source.namelist():
            archive.writestr(member, source.read(member))
        info = zipfile.ZipInfo("x")
        info.filename = name
        archive.writestr(info, b"harm")
    with pytest.raises(ValueError, match="leads out"):
        cornu.saving.load_model(path)
    assert [item.name for item in tmp_path.iterdir()] == ["in"]


def test_links_are_refused(model_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "link.keras"
    info = zipfile.ZipInfo("assets/link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ValueError, match="is a link"):
        ArchiveReader(path)


def test_members_that_expand_too_far_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b"0" * (65 << 20))
    with pytest.raises(ValueError, match="claims"):
        cornu.saving.load_model(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_members_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("config.json", "[]")
    with pytest.raises(ValueError, match="occurs twice"):
        cornu.saving.load_model(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda members: members.pop("config.json"), "no member 'config.json'"),
        (lambda members: members.pop("model.weights.h5"), "no member 'model.weights.h5'"),
        (lambda members: members.update({"config.json": b"{"}), "not readable as JSON"),
        (lambda members: members.update({"config.json": b"[" * 200_000}), "not readable as JSON"),
        (lambda members: members.update({"config.json": b"[]"}), "does not describe a model"),
        (lambda members: members.update({"model.weights.h5": b"not hdf5"}), "not a readable HDF5"),
    ],
)
def test_damaged_archives_are_reported(model_file: Path, tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cornu.saving.load_model(rewrite(model_file, tmp_path / "bad.keras", change))


def test_something_else_is_no_archive(tmp_path: Path) -> None:
    for name, message in (("x.keras", r"not a \.keras file"), ("x.h5", "not a readable HDF5")):
        (tmp_path / name).write_bytes(b"hello")
        with pytest.raises(ValueError, match=message):
            cornu.saving.load_model(tmp_path / name)


def test_a_flipped_bit_in_the_weights_is_noticed(model_file: Path, tmp_path: Path) -> None:
    data = bytearray(model_file.read_bytes())
    data[data.index(b"\x89HDF") + 2000] ^= 1
    path = tmp_path / "bit.keras"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        cornu.saving.load_model(path)


def test_a_config_cannot_reach_outside(model_file: Path, tmp_path: Path) -> None:
    def harm(members: dict[str, bytes]) -> None:
        config = json.loads(members["config.json"])
        config["config"]["layers"][1].update(module="os", class_name="system", config={"command": "true"})
        members["config.json"] = json.dumps(config).encode()

    with pytest.raises(TypeError, match="Unknown class 'system'"):
        cornu.saving.load_model(rewrite(model_file, tmp_path / "evil.keras", harm))


# -- HDF5 --------------------------------------------------------------------------------------------------------


def with_weights(model_file: Path, target: Path, change: Callable[[h5py.File], Any]) -> Path:
    def edit(members: dict[str, bytes]) -> None:
        buffer = io.BytesIO(members["model.weights.h5"])
        with h5py.File(buffer, "r+") as file:
            del file["layers/dense/vars/0"]
            change(file)
        members["model.weights.h5"] = buffer.getvalue()

    return rewrite(model_file, target, edit)


def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.zeros((3, 2), "float32")
    return path


def external_dataset(file: h5py.File, path: Path) -> None:
    file["layers/dense/vars"].create_dataset("0", (3, 2), "float32", external=[(str(path), 0, 24)])


def virtual_dataset(file: h5py.File, path: Path) -> None:
    layout = h5py.VirtualLayout((3, 2), "float32")
    layout[:] = h5py.VirtualSource(str(path), "x", (3, 2))
    file["layers/dense/vars"].create_virtual_dataset("0", layout)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file, path: file.__setitem__("layers/dense/vars/0", h5py.ExternalLink(str(path), "x")), "ExternalLink"),
        (lambda file, path: file.__setitem__("layers/dense/vars/0", h5py.SoftLink("/layers")), "SoftLink"),
        (external_dataset, "another file"),
        (virtual_dataset, "another file"),
        (
            lambda file, path: file["layers/dense/vars"].create_dataset(
                "0", (10**6, 10**6), "float32", chunks=(10, 10)
            ),
            "claims",
        ),
        (lambda file, path: file["layers/dense/vars"].create_group("0"), "expected an array"),
        (lambda file, path: file["layers/dense/vars"].create_dataset("0", data=["a", "b"]), "not an array of numbers"),
        (lambda file, path: None, "expected 2 variables"),
    ],
)
def test_arrays_from_elsewhere_are_refused(model_file: Path, tmp_path: Path, change: Any, message: str) -> None:
    path = secret(tmp_path)
    bad = with_weights(model_file, tmp_path / "bad.keras", lambda file: change(file, path))
    with pytest.raises(ValueError, match=message):
        cornu.saving.load_model(bad)


def test_a_group_behind_a_link_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["real/vars/0"] = np.ones(2)
        file["layers"] = h5py.SoftLink("/real")
    with H5Reader(tmp_path / "f.h5") as reader:
        with pytest.raises(ValueError, match="SoftLink"):
            reader.group("layers/vars")
        with pytest.raises(ValueError, match="path part"):
            reader.group("real/../real")
        assert reader.group("real/vars") is not None
        assert reader.group("absent/vars") is None


def test_bfloat16_and_long_lists_of_names_return(tmp_path: Path) -> None:
    import ml_dtypes
    from cornu.saving.hdf5 import H5Writer

    values = np.array([1.5, -2.0], ml_dtypes.bfloat16)
    names = [f"a_rather_long_layer_name_{i:05}" for i in range(9000)]
    with H5Writer(tmp_path / "f.h5") as writer:
        writer.variables("x", "x")["0"] = values
        writer.strings(writer.group("x"), "layer_names", names)
    with H5Reader(tmp_path / "f.h5") as reader:
        found = reader.variables("x")["0"]
        assert found.dtype == values.dtype
        assert found.tolist() == [1.5, -2.0]
        assert reader.strings(reader.group("x"), "layer_names") == names
