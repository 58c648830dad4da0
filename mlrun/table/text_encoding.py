"""From the bytes of a text file in any encoding to UTF-8 without a byte order mark."""

from __future__ import annotations

import codecs

from mlrun.errors import DataError

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip


def to_utf8(content: bytes, encoding: str, path: str) -> bytes:
    """Return the text as UTF-8; a byte order mark overrides `encoding`.

    Raises DataError with the line of the first byte that cannot be decoded, and for NUL bytes.
    """
    codec = _codec(encoding)
    for mark, marked in MARKS:
        if content.startswith(mark):
            codec = marked
            content = content[len(mark) :] if marked == "utf-8" else content
            break
    if codec == "utf-8" and b"\0" not in content and _is_utf8(content):
        return content
    if codec == "utf-8":
        _refuse_nul(content, path)
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path}:{line}: byte 0x{content[error.start]:02x} is not {codec}; "
            f"say the file's `encoding` (often latin-1)."
        ) from error
    changed = text.encode("utf-8", "surrogatepass")
    _refuse_nul(changed, path)
    return changed


def _codec(encoding: str) -> str:
    try:
        found = codecs.lookup(encoding)
        "".encode(found.name)  # a codec from bytes to bytes is none for text
    except (LookupError, TypeError, ValueError) as error:
        raise DataError(f"`encoding: {encoding}` is not known; usual ones: utf-8, latin-1, cp1252, utf-16.") from error
    return found.name


def _is_utf8(content: bytes) -> bool:
    if content.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    view, step = memoryview(content), 1 << 24
    try:
        for start in range(0, len(view), step):
            decoder.decode(view[start : start + step], final=start + step >= len(view))
    except UnicodeDecodeError:
        return False
    return True


def _refuse_nul(content: bytes, path: str) -> None:
    at = content.find(b"\0")
    if at < 0:
        return
    if content.count(b"\0", 0, 4096) * 3 > min(len(content), 4096):
        raise DataError(
            f"{path} looks like UTF-16 without a byte order mark; say `encoding: utf-16-le` (or utf-16-be)."
        )
    line = content.count(b"\n", 0, at) + 1
    raise DataError(f"{path}:{line}: a NUL byte; this is no text file, or it is damaged: write it again.")
