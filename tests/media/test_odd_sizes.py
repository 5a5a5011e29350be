"""Sizes that H.264 and HEVC do not have in 4:2:0, and tiny ones, in every container."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest

from redact.core.geometry import Size
from redact.errors import UnsupportedInputError
from redact.media.video.encoder_table import ENCODERS
from redact.media.video.encoders import CONTAINERS, accepted_layouts, choose_encoder
from redact.media.video.pixel_formats import layout_of
from redact.media.video.sink import VideoSink
from redact.media.video.source import VideoSource
from tests import clips

SIZES = [(63, 47), (64, 47), (63, 48), (1, 1), (7, 401)]
SOFTWARE = [name for name, e in ENCODERS.items() if not e.hardware and accepted_layouts(e.name)]


def make(folder: Path, width: int, height: int, suffix: str = ".avi") -> Path:
    """A clip of that size in 4:2:0, which FFV1 has in any size."""
    path = folder / f"{width}x{height}{suffix}"
    picture = f"testsrc=s={2 * width}x{2 * height}:r=10:d=0.5"
    odd = f"crop={width}:{height}:0:0:exact=1,format=yuv420p"
    clips.run("-f", "lavfi", "-i", picture, "-vf", odd, "-c:v", "ffv1", path)
    return path


def rewrite(source: VideoSource, output: Path, encoder: str | None = None) -> VideoSource:
    with VideoSink(output, source, encoder=encoder) as sink:
        for frame in source.frames():
            sink.write(frame)
    return VideoSource(output)


@pytest.mark.parametrize("suffix", sorted(CONTAINERS))
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_container_keeps_every_size(
    tmp_path: Path, suffix: str, size: tuple[int, int]
) -> None:
    source = VideoSource(make(tmp_path, *size))
    result = rewrite(source, tmp_path / f"result{suffix}")
    assert result.media_info.size == Size(*size)
    assert len(list(result.frames())) == 5


@pytest.mark.parametrize("name", [n for n in SOFTWARE if ENCODERS[n].alpha_containers])
def test_an_encoder_of_opacity_opens_for_the_layouts_that_it_is_given(name: str) -> None:
    for pixel_format in accepted_layouts(ENCODERS[name].name):
        with av.open(io.BytesIO(), "w", "matroska") as container:
            stream = container.add_stream(ENCODERS[name].name, rate=25)
            stream.width = stream.height = 64
            stream.pix_fmt = pixel_format
            stream.codec_context.open()


def test_rgb_with_opacity_stays_in_matroska(tmp_path: Path) -> None:
    path = tmp_path / "screen.mkv"
    picture = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=0.5")
    clips.run(*picture, "-c:v", "png", "-pix_fmt", "rgba", path)
    result = rewrite(VideoSource(path), tmp_path / "result.mkv")
    kept = layout_of(result.media_info.pixel_format)
    assert kept is not None
    assert kept.can_hold(layout_of("rgba"))


@pytest.mark.parametrize("name", SOFTWARE)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_encoder_keeps_a_size_or_refuses_it_before_any_work(
    tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    source = VideoSource(make(tmp_path, *size))
    suffix = next(s for s, form in CONTAINERS.items() if form in ENCODERS[name].containers)
    output = tmp_path / f"result{suffix}"
    if name == "h264-rgb" or (ENCODERS[name].codec in {"av1", "hevc"} and min(size) < 16):
        with pytest.raises(UnsupportedInputError, match=f"{size[0]}x{size[1]}.*choose"):
            choose_encoder(output, source.media_info, name)
        return
    assert rewrite(source, output, name).media_info.size == Size(*size)


def test_chroma_is_not_enlarged_where_a_codec_has_odd_sizes(tmp_path: Path) -> None:
    source = VideoSource(make(tmp_path, 63, 47))
    for suffix in (".mp4", ".mkv", ".webm"):
        choice = choose_encoder(tmp_path / f"a{suffix}", source.media_info)
        layout = layout_of(choice.pixel_format)
        assert layout is not None
        assert layout.subsampling == (2, 2)
