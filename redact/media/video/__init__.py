"""Video files in and out: the only home of PyAV and ffmpeg-python."""
