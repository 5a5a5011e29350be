"""The page's own files: nothing in them is there for nobody."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "redact" / "review" / "page"
MODULES = {path.name: path.read_text("utf-8") for path in PAGE.glob("*.js")}


def test_whatever_a_module_exports_another_one_uses() -> None:
    others = [*(ROOT / "tests" / "review").glob("*.py"), *(ROOT / "bench").glob("review.py")]
    asked = "".join(re.findall(r"\bm\.(\w+\b)", "".join(p.read_text("utf-8") for p in others)))
    found = 0
    for name, text in MODULES.items():
        rest = "".join(other for known, other in MODULES.items() if known != name)
        for exported in re.findall(
            r"^export (?:async )?(?:function|const|class) (\w+)", text, re.M
        ):
            found += 1
            assert re.search(rf"\b{exported}\b", rest) or exported in asked, (name, exported)
    assert found > 40


def test_all_modules_are_loaded_at_once() -> None:
    """None waits for another one to ask for it."""
    page = (PAGE / "index.html").read_text("utf-8")
    assert set(re.findall(r"page/(\w+\.js)", page)) == set(MODULES)
