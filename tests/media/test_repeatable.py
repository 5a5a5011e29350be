"""x264 writes the same bytes each time."""

from __future__ import annotations

import cv2
import pytest

from redact.media.video.encoder_table import ENCODERS
from redact.media.video.encoders import Choice
from redact.media.video.encoding import repeatable


def chosen(codec: str, **options: str) -> Choice:
    encoder = ENCODERS[codec]
    return Choice(encoder, "mp4", "yuv420p", {**encoder.options, **options})


@pytest.mark.parametrize("codec", ["h264", "h264-rgb"])
def test_x264_does_without_avx_512(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code for that writes other bytes each time."""
    monkeypatch.setattr(cv2, "checkHardwareSupport", lambda _: True)
    plain, fields = chosen(codec), chosen(codec, **{"x264-params": "tff=1"})
    assert repeatable(plain) == {**plain.options, "x264-params": "asm=avx2"}
    assert repeatable(fields)["x264-params"] == "tff=1:asm=avx2"
    assert "x264-params" not in plain.options


def test_others_are_left_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "checkHardwareSupport", lambda _: True)
    for codec in ("hevc", "vp9", "av1"):
        assert repeatable(chosen(codec)) == chosen(codec).options
    monkeypatch.setattr(cv2, "checkHardwareSupport", lambda _: False)
    assert repeatable(chosen("h264")) == chosen("h264").options
