"""The table of encoders that redact knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from redact.core.geometry import Size


def _crf(quality: int) -> dict[str, str]:
    return {"crf": str(quality)}


def _cq(quality: int) -> dict[str, str]:
    return {"rc": "vbr", "cq": str(quality), "b": "0"}


def _global(quality: int) -> dict[str, str]:
    return {"global_quality": str(max(1, quality))}


def _qp(quality: int) -> dict[str, str]:
    return {"rc": "cqp", "qp_i": str(quality), "qp_p": str(quality)}


def _share(quality: int) -> dict[str, str]:
    """VideoToolbox's scale runs from 100 down to 1, in units of 118 (FF_QP2LAMBDA)."""
    return {"flags": "+qscale", "global_quality": str(118 * round(100 - 99 * quality / 51))}


@dataclass(frozen=True, slots=True)
class Encoder:
    """One row of the table.

    Args:
        name: FFmpeg's name of the encoder.
        codec: FFmpeg's name of what it writes.
        containers: Containers that players expect it in.
        quality: Its visually lossless constant quality, None where it has no such setting.
        worst_quality: The largest value of that setting.
        options: All its other options.
        alpha_containers: Containers in which it keeps an alpha channel.
        quality_options: From a constant quality to the options that set it.
        hardware: What it needs beside the processor, in words. Such an encoder is used only when
            asked for.
        pixel_formats: Of a hardware encoder, the pixel formats that it keeps as they are.
        rate_cap: Whether it takes a maximum bit rate beside a quality.
    """

    name: str
    codec: str
    containers: tuple[str, ...]
    quality: int | None
    worst_quality: int
    options: dict[str, str]
    alpha_containers: tuple[str, ...] = ()
    quality_options: Callable[[int], dict[str, str]] = _crf
    hardware: str | None = None
    pixel_formats: tuple[str, ...] = ()
    rate_cap: bool = True

    def takes_size(self, size: Size, subsampling: tuple[int, int]) -> bool:
        """Whether it encodes pictures of that size with that chroma subsampling.

        H.264 and HEVC crop in whole samples of chroma: with 4:2:0 they have even sides alone.
        """
        across, down = subsampling if self.codec in _WHOLE_CHROMA else (1, 1)
        whole = not (size.width % across or size.height % down)
        return whole and min(size.width, size.height) >= _LEAST_SIDES.get(self.codec, 1)


_WHOLE_CHROMA: Final = ("h264", "hevc")
_LEAST_SIDES: Final = {"av1": 16, "hevc": 16}
"""Pixels; libsvtav1 and libx265 refuse smaller pictures, or crash."""

NAMED_ONLY: Final = {"libvpx-vp9": ("gbrap", "yuva422p", "yuva444p")}
"""By FFmpeg's name of an encoder: pixel formats that it names and does not open for."""

_COMMON = ("mp4", "mov", "matroska")
_H264_IN, _HEVC_IN = (*_COMMON, "mpegts", "avi"), (*_COMMON, "mpegts")
_NO_CAPTIONS = {"a53cc": "0"}
"""Closed captions travel as side data of frames; they are not on the list of what is kept."""
_NVIDIA = {"preset": "p5", "extra_sei": "0", "s12m_tc": "0", **_NO_CAPTIONS}
"""Neither captions nor timecodes."""

ENCODERS: Final = {
    "h264": Encoder(
        "libx264", "h264", _H264_IN, 20, 51, {"preset": "medium", **_NO_CAPTIONS}
    ),
    "h264-rgb": Encoder(
        "libx264rgb", "h264", _COMMON, 18, 51, {"preset": "medium", **_NO_CAPTIONS}
    ),
    "hevc": Encoder(
        "libx265",
        "hevc",
        _HEVC_IN,
        20,
        51,
        {"preset": "medium", "x265-params": "log-level=none", **_NO_CAPTIONS},
    ),
    "vp9": Encoder(
        "libvpx-vp9",
        "vp9",
        ("webm", "matroska", "mp4"),
        24,
        63,
        {"deadline": "good", "cpu-used": "4", "row-mt": "1"},
        ("webm", "matroska"),
    ),
    "av1": Encoder(
        "libsvtav1",
        "av1",
        ("webm", "matroska", "mp4"),
        24,
        63,
        {"preset": "8", "svtav1-params": "progress=0"},
    ),
    "prores": Encoder("prores_ks", "prores", ("mov",), None, 0, {"vendor": "apl0"}, ("mov",)),
    "ffv1": Encoder(
        "ffv1", "ffv1", ("matroska",), None, 0, {"level": "3", "slicecrc": "1"}, ("matroska",)
    ),
    "h264_nvenc": Encoder(
        "h264_nvenc", "h264", _H264_IN, 20, 51, _NVIDIA, quality_options=_cq,
        hardware="an NVIDIA graphics card", pixel_formats=("yuv420p", "nv12", "yuv444p"),
    ),
    "hevc_nvenc": Encoder(
        "hevc_nvenc", "hevc", _HEVC_IN, 20, 51, _NVIDIA, quality_options=_cq,
        hardware="an NVIDIA graphics card", pixel_formats=("yuv420p", "nv12", "yuv444p", "p010le"),
    ),
    "h264_qsv": Encoder(
        "h264_qsv", "h264", _H264_IN, 20, 51, {"preset": "slow", **_NO_CAPTIONS},
        quality_options=_global, hardware="Intel graphics", pixel_formats=("nv12",), rate_cap=False,
    ),
    "hevc_qsv": Encoder(
        "hevc_qsv", "hevc", _HEVC_IN, 20, 51, {"preset": "slow"}, quality_options=_global,
        hardware="Intel graphics", pixel_formats=("nv12", "p010le"), rate_cap=False,
    ),
    "h264_amf": Encoder(
        "h264_amf", "h264", _H264_IN, 20, 51, {"quality": "quality"},
        quality_options=lambda quality: _qp(quality) | {"qp_b": str(quality)},
        hardware="an AMD graphics card", pixel_formats=("yuv420p", "nv12"), rate_cap=False,
    ),
    "hevc_amf": Encoder(
        "hevc_amf", "hevc", _HEVC_IN, 20, 51, {"quality": "quality"}, quality_options=_qp,
        hardware="an AMD graphics card", pixel_formats=("yuv420p", "nv12", "p010le"),
        rate_cap=False,
    ),
    "h264_videotoolbox": Encoder(
        "h264_videotoolbox", "h264", _H264_IN, 20, 51, _NO_CAPTIONS, quality_options=_share,
        hardware="an Apple chip", pixel_formats=("yuv420p", "nv12"), rate_cap=False,
    ),
    "hevc_videotoolbox": Encoder(
        "hevc_videotoolbox", "hevc", _HEVC_IN, 20, 51, _NO_CAPTIONS, quality_options=_share,
        hardware="an Apple chip", pixel_formats=("yuv420p", "nv12", "p010le"), rate_cap=False,
    ),
}  # fmt: skip
"""Encoders by the name that a user asks for; FFmpeg's own names work too."""
