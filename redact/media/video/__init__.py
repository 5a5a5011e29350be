"""Video files in and out: demux, decode, encode, mux. Only here are PyAV and ffmpeg-python used."""
