"""The reasons why a file or a frame cannot be read, in our own sentences.

What a library says can quote the file: a patient's name out of a damaged header, or bytes that move a
terminal's cursor. So nothing of its text is kept; it only decides which of our sentences is meant.
"""

from __future__ import annotations

import os

from ..errors import PictureError

_TRUNCATED = "the file is truncated, or damaged within"
_CHECKSUM = "a checksum is wrong: the file is damaged"
_UNKNOWN_CODING = "its way of coding pixels is not supported; convert the file to another"
_HEADER = "the header is damaged"

# In this order: "unexpected end of unsupported data" is an end first.
_SIGNS = (
    (_TRUNCATED, ("truncat", "end of file", "eof", "unexpected end", "not enough", "premature", "too short")),
    (_CHECKSUM, ("checksum", "crc", "incorrect data check")),
    (_UNKNOWN_CODING, ("support", "not implemented", "unknown compression", "not available", "codec")),
    (_HEADER, ("cannot identify image", "header", "magic", "tag ")),
)
"""Words, in lower case, by which a message of a library is known for what it means."""


def reason_of(error: BaseException) -> str:
    """Return in one line, without paths and without text of the file, why it could not be read."""
    if isinstance(error, PictureError):
        return str(error)
    if isinstance(error, MemoryError):
        return "it needs more memory than it may have; raise max_memory if there is more"
    # Libraries raise OSError with texts of their own; what the system says goes by its number.
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    said = str(error).lower()
    found = (ours for ours, signs in _SIGNS if any(sign in said for sign in signs))
    return f"cannot be decoded: {next(found, f'it is damaged ({type(error).__name__})')}"
