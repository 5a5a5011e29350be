"""The house's rules: what may import what, and what is in the wheel."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
import zipfile
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import redact

ROOT = Path(__file__).parents[1]
MODULES = sorted([*(ROOT / "redact").rglob("*.py"), *(ROOT / "cli" / "redact_cli").rglob("*.py")])
LIBRARY = [path for path in MODULES if path.is_relative_to(ROOT / "redact")]
PAGE = ROOT / "redact" / "review" / "page"
BENCH = sorted((ROOT / "bench").glob("*.py"))
MOST_LINES = 350
ENGINES = {"cv2", "mediapipe", "onnxruntime", "onnx", "av", "PIL", "ffmpeg", "imageio_ffmpeg"}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_import_contracts_are_kept() -> None:
    code = "from importlinter.cli import lint_imports_command as lint; lint()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


@pytest.mark.parametrize("module", ["redact", "redact_cli.app"])
def test_importing_loads_no_engine(module: str) -> None:
    loaded = python(f"import sys, {module}; print(*{{m.partition('.')[0] for m in sys.modules}})")
    assert not ENGINES & set(loaded.split())


def test_the_library_does_not_load_its_command_line() -> None:
    loaded = python("import sys, redact, redact.api; print(*sys.modules)").split()
    assert not {"redact_cli", "typer", "click", "rich"} & set(loaded)


def test_the_public_names_are_sorted_and_there() -> None:
    names = redact.__all__
    kinds = (str.isupper, lambda name: name[0].isupper(), str.islower)  # as ruff sorts them
    assert list(names) == sorted(names, key=lambda n: ([not kind(n) for kind in kinds], n))
    assert len(set(names)) == len(names) > 0
    assert [n for n in names if not hasattr(redact, n)] == []
    assert "redact_file" in names


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_starts_with_one_sentence(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text("utf-8")))
    assert text, "no docstring"
    first, *rest = text.splitlines()
    assert first.endswith((".", "?"))
    assert not rest or not rest[0]


@pytest.mark.parametrize("path", LIBRARY, ids=name)
def test_the_library_neither_prints_nor_exits(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"print", "sys.exit", "exit", "quit", "os._exit"}, node.lineno


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_name_is_taken_through_the_package_root(path: Path) -> None:
    if path in {ROOT / "redact" / "__init__.py", ROOT / "cli" / "redact_cli" / "app.py"}:
        return
    tree = ast.parse(path.read_text("utf-8"))
    roots = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "redact"]
    for node in roots:
        for alias in node.names:
            place = ROOT / "redact" / alias.name
            assert place.with_suffix(".py").is_file() or place.is_dir(), alias.name


@pytest.mark.parametrize("path", [*MODULES, *BENCH], ids=name)
def test_a_module_is_short_enough_to_read_at_once(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= MOST_LINES


def test_the_measures_import_each_other_without_a_cycle() -> None:
    stems = {path.stem for path in BENCH}
    imports = {path.stem: imported(path) & stems for path in BENCH}
    assert any(imports.values())
    TopologicalSorter(imports).prepare()  # raises CycleError


def imported(path: Path) -> set[str]:
    """The modules that are imported anywhere in the file, also for types only."""
    tree = ast.parse(path.read_text("utf-8"))
    plain = [n for n in ast.walk(tree) if isinstance(n, ast.Import)]
    froms = [n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    return {alias.name for n in plain for alias in n.names} | {n.module for n in froms if n.module}


def test_both_packages_say_that_they_are_typed() -> None:
    assert (ROOT / "redact" / "py.typed").is_file()
    assert (ROOT / "cli" / "redact_cli" / "py.typed").is_file()


@pytest.mark.slow
def test_the_wheel_holds_what_is_needed_and_nothing_else(tmp_path: Path) -> None:
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("the build backend hatchling is not installed")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        top = {n.partition("/")[0] for n in names}
        assert {t for t in top if not t.endswith(".dist-info")} == {"redact", "redact_cli"}
        assert {
            "redact/py.typed",
            "redact_cli/py.typed",
            "redact/detect/weights/origins.json",
            *(f"redact/review/page/{path.name}" for path in PAGE.iterdir()),
        } <= names
        committed = ("centerface", "heads", "objects", "plate_classifier", "plates")
        assert {n for n in names if n.startswith("redact/detect/weights/files/")} == {
            f"redact/detect/weights/files/{weights}"
            for weights in weight_names() - {f"{ours}.onnx" for ours in committed}
        }
        for ours in committed:
            assert {f"redact/detect/weights/{ours}.{kind}" for kind in ("onnx", "md")} <= names
        assert any(n.endswith("licenses/LICENSE") for n in names)
        assert not [n for n in names if "__pycache__" in n or "/tests/" in n]
        entry = next(n for n in names if n.endswith("entry_points.txt"))
        assert "redact = redact_cli.app:main" in archive.read(entry).decode()


def weight_names() -> set[str]:
    from redact.detect.weights import catalogue

    return set(catalogue())


def test_every_weight_has_its_licence_text_beside_it() -> None:
    from redact.detect.weights import FOLDER, catalogue

    models = {w.path.stem for w in catalogue().values() if w.path.suffix in {".onnx", ".tflite"}}
    texts = {path.stem for path in (FOLDER / "licences").glob("*.txt")}
    bundled = {name for name in models if name.startswith("blazeface")}
    assert "LICENSE.mediapipe.txt" in catalogue()
    assert models - bundled == texts
