"""Media files in and out: `formats` is the table of kinds; `video` and `stills` hold the code."""
