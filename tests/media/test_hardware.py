"""Encoders in hardware: chosen by name only, tried before any work, and never at a loss.

No machine that runs these tests need have one: an encoder on the processor stands in for it.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from redact import api, doctor, pipeline
from redact.core.recipe import recipe
from redact.errors import MissingEngineError, RecipeError, UnsupportedInputError
from redact.media.video import encoder_trial, encoders
from redact.media.video.encoder_table import ENCODERS
from redact.media.video.encoders import CONTAINERS, choose_encoder
from redact.media.video.sink import VideoSink
from redact.media.video.source import VideoSource
from tests import clips

HARDWARE = [name for name, encoder in ENCODERS.items() if encoder.hardware]
ABSENT = "h264_nvenc"


@pytest.fixture
def standing_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """x264 and x265 in place of the chips, with the chips' pixel formats."""
    _stand_in(monkeypatch, "h264_nvenc", "h264", ("nv12",))
    _stand_in(monkeypatch, "hevc_nvenc", "hevc", ("yuv420p", "yuv420p10le"))


def _stand_in(monkeypatch: pytest.MonkeyPatch, name: str, by: str, pixels: tuple[str, ...]) -> None:
    other = ENCODERS[by]
    row = replace(
        ENCODERS[name],
        name=other.name,
        options=other.options,
        quality_options=other.quality_options,
    )
    monkeypatch.setitem(ENCODERS, name, replace(row, pixel_formats=pixels))


def rendered(path: Path, encoder: str) -> Path:
    source = VideoSource(path)
    output = path.with_name(f"out{path.suffix}")
    with VideoSink(output, source, encoder=encoder) as sink:
        for frame in source.frames():
            sink.write(frame)
    return output


@pytest.mark.parametrize("name", [n for n in HARDWARE if encoders._format_names(n)])
def test_every_option_exists_in_this_ffmpeg(name: str) -> None:
    row = ENCODERS[name]
    listed = av.CodecContext.create(name, "w").supported_options
    known = {option.name for option in (*listed.private, *listed.generic)}
    assert set(row.options | row.quality_options(row.quality or 0)) <= known


@pytest.mark.parametrize("name", HARDWARE)
def test_quality_means_about_the_same_everywhere(name: str) -> None:
    row = ENCODERS[name]
    best, usual, worst = (row.quality_options(quality) for quality in (0, 20, 51))
    assert best != usual != worst
    numbers = [float(asked.get("global_quality", asked.get("cq", asked.get("qp_i", ""))))
               for asked in (best, usual, worst)]  # fmt: skip
    if "flags" in usual:  # Apple's goes down
        assert [n / 118 for n in numbers] == [100, 61, 1]
    else:
        assert numbers[1:] == [20, 51]


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_none_is_chosen_unasked(tmp_path: Path, suffix: str, standing_in: None) -> None:
    media_info = VideoSource(clips.make(tmp_path, "plain")).media_info
    for codec in ("h264", "hevc", "av1", "mpeg4"):
        for pixels in ("yuv420p", "nv12", "yuv420p10le"):
            asked = replace(media_info, codec=codec, pixel_format=pixels)
            names = encoders._candidates(CONTAINERS[suffix], asked)
            assert not any(ENCODERS[name].hardware for name in names)


def test_one_that_works_is_used(tmp_path: Path, standing_in: None) -> None:
    path = clips.make(tmp_path, "plain")
    before, after = VideoSource(path), VideoSource(rendered(path, "h264_nvenc"))
    choice = choose_encoder(tmp_path / "a.mp4", before.media_info, "h264_nvenc")
    assert (choice.encoder.hardware, choice.pixel_format) == ("an NVIDIA graphics card", "nv12")
    for old, new in zip(before.frames(), after.frames(), strict=True):
        apart = old.picture.planes()[0].samples.astype(int) - new.picture.planes()[0].samples
        assert old.time == new.time
        assert np.abs(apart).mean() < 3


def test_ten_bits_need_an_encoder_that_keeps_them(tmp_path: Path, standing_in: None) -> None:
    media_info = VideoSource(clips.make(tmp_path, "plain")).media_info
    deep = replace(media_info, pixel_format="yuv420p10le")
    assert choose_encoder(tmp_path / "a.mp4", deep, "hevc_nvenc").pixel_format == "yuv420p10le"
    with pytest.raises(
        UnsupportedInputError, match=r"cannot keep pictures of .* in the pixel format"
    ) as caught:
        choose_encoder(tmp_path / "a.mp4", deep, "h264_nvenc")
    assert "nvenc" not in (caught.value.remedy or "")


@pytest.mark.parametrize(("loss", "what"), [
    ({"interlaced": True}, "fields"), ({"light": bytes(8)}, "HDR"),
    ({"mastering": bytes(80)}, "HDR"),
])  # fmt: skip
def test_what_would_be_lost_is_refused(
    tmp_path: Path, loss: dict[str, object], what: str, standing_in: None
) -> None:
    media_info = VideoSource(clips.make(tmp_path, "plain")).media_info
    with pytest.raises(UnsupportedInputError, match=f"would not keep its {what}"):
        choose_encoder(tmp_path / "a.mp4", replace(media_info, **loss), "hevc_nvenc")


def test_a_ceiling_only_where_it_goes_with_a_quality(
    tmp_path: Path, standing_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    media_info = replace(VideoSource(clips.make(tmp_path, "plain")).media_info, bit_rate=1_000_000)
    assert "maxrate" in choose_encoder(tmp_path / "a.mp4", media_info, "h264_nvenc").options
    _stand_in(monkeypatch, "h264_qsv", "h264", ("nv12",))
    assert "maxrate" not in choose_encoder(tmp_path / "a.mp4", media_info, "h264_qsv").options


@pytest.fixture
def without_a_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Carried by FFmpeg, but the chip is not there: no session can be opened."""
    row = replace(ENCODERS[ABSENT], name="libx264", options={"preset": "no such preset"})
    row = replace(row, quality_options=lambda _: {}, pixel_formats=("yuv420p",))
    monkeypatch.setitem(ENCODERS, ABSENT, row)


def test_one_that_does_not_open_is_said_before_the_work(
    tmp_path: Path, without_a_driver: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clips.make(tmp_path, "plain")
    monkeypatch.setattr(pipeline, "analyse", lambda *_: pytest.fail("worked for nothing"))
    with pytest.raises(MissingEngineError, match="needs an NVIDIA graphics card") as caught:
        api.redact_file(path, recipe=recipe(encoder=ABSENT))
    assert "does not work here: " in caught.value.problem
    assert caught.value.problem.split(": ")[-1].strip()
    assert "choose --encoder h264" in (caught.value.remedy or "")
    assert not list(tmp_path.glob("*.redact*"))


def test_one_that_ffmpeg_does_not_carry_is_said(tmp_path, monkeypatch):
    row = replace(ENCODERS[ABSENT], name="h264_of_the_future")
    monkeypatch.setitem(ENCODERS, ABSENT, row)
    media_info = VideoSource(clips.make(tmp_path, "plain")).media_info
    with pytest.raises(MissingEngineError, match="is not installed"):
        choose_encoder(tmp_path / "a.mp4", media_info, ABSENT)
    assert encoders.hardware_encoders()[ABSENT] == "not part of this installation"


def test_a_container_that_does_not_fit_is_said(tmp_path: Path, standing_in: None) -> None:
    media_info = VideoSource(clips.make(tmp_path, "plain")).media_info
    with pytest.raises(RecipeError, match="does not fit into webm"):
        choose_encoder(tmp_path / "a.webm", media_info, "h264_nvenc")


def test_the_doctor_tells_which_work_and_why_others_do_not(
    standing_in: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def find_encoder_error(encoder: encoders.Encoder, pixels: str) -> str | None:
        tried.append(pixels)
        return None if encoder.name.startswith("lib") else "no chip"

    monkeypatch.setattr(encoders, "find_encoder_error", find_encoder_error)
    monkeypatch.setattr(encoders, "_format_names", lambda _: ("nv12", "yuv420p", "p010le"))
    found = doctor.examine()
    assert list(found.hardware) == HARDWARE
    assert found.hardware["h264_nvenc"] is None
    assert found.hardware["hevc_qsv"] == "no chip"
    assert set(tried) <= {"nv12", "yuv420p"}
    assert not set(found.hardware) & set(found.encoders)
    assert not any("chip" in problem.problem for problem in found.problems)  # nobody needs one


def test_a_trial_really_encodes(monkeypatch):
    assert encoder_trial.find_encoder_error(ENCODERS["h264"], "yuv420p") is None
    assert encoder_trial.find_encoder_error(ENCODERS["hevc"], "yuv420p10le") is None
    broken = replace(ENCODERS["h264"], options={"preset": "no such preset"})
    assert encoder_trial.find_encoder_error(broken, "yuv420p")
    assert encoder_trial.find_encoder_error(ENCODERS["h264"], "gbrap")
    level = av.logging.get_level()
    encoder_trial.find_encoder_error(broken, "yuv420p")
    assert av.logging.get_level() == level


@pytest.mark.parametrize("full", [False, True])
def test_full_and_limited_range_stay(tmp_path: Path, full: bool, standing_in: None) -> None:
    path = tmp_path / "a.mp4"
    span = "pc" if full else "tv"
    clips.run("-f", "lavfi", "-i", f"testsrc2=s=64x48:r=10:d=1,scale=out_range={span}",
              "-c:v", "libx264", "-pix_fmt", "yuvj420p" if full else "yuv420p",
              "-color_range", span, "-crf", "5", path)  # fmt: skip
    before, after = VideoSource(path), VideoSource(rendered(path, "h264_nvenc"))
    assert after.media_info.colour.full_range == full
    one, other = (next(iter(v.frames())).picture.planes()[0].samples for v in (before, after))
    assert np.abs(one.astype(int) - other).mean() < 3
