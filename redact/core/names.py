"""What the files beside a source are called: its result, its plan, and a result held back."""

from __future__ import annotations

from pathlib import Path


def default_output(source: Path) -> Path:
    """`clip.mp4` becomes `clip.redacted.mp4`, beside it."""
    return source.with_name(f"{source.stem}.redacted{source.suffix}")


def plan_path(path: Path) -> Path:
    """`clip.mp4` and `clip.redacted.mp4` become `clip.redact.json`, beside it."""
    return path.with_name(path.stem.removesuffix(".redacted") + ".redact.json")


def long_plan_path(path: Path) -> Path:
    """`clip.mp4` and `clip.redacted.mp4` become `clip.mp4.redact.json`, beside it."""
    return path.with_name(f"{path.stem.removesuffix('.redacted')}{path.suffix}.redact.json")


def quarantine(output: Path) -> Path:
    """`clip.redacted.mp4` becomes `clip.redacted.quarantine.mp4`, which nobody takes for done."""
    return output.with_name(f"{output.stem}.quarantine{output.suffix}")
