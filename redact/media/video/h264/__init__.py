"""H.264 (ITU-T H.264, clauses 7.3 and 7.4), as far as copying coded pictures needs it.

Whatever is not understood to its last bit raises `CannotCopy`. Then nothing is copied, and the
pictures are encoded anew.
"""
