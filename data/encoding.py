"""Which encoding a text file is in, and its bytes as UTF-8, with unreadable bytes marked instead of lost."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import cast

from data.errors import InputError

CHUNK = 4 << 20
MARK = "\ufdd0"  # a noncharacter: stands before the escape of a byte that is no text
MARK_BYTES = MARK.encode()
_SAMPLE = 20_000
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH_PAIR = re.compile(rb"[\x81-\xfe][\x80-\xfe]|(?:[\x81-\xfe][0-9]){2}")
_HIGH = re.compile(rb"[\x80-\xff]")


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(f"{MARK}\\x{byte:02x}" for byte in error.object[error.start : error.end]), error.end


def _as_latin(error: UnicodeError) -> tuple[str, int]:
    """The five bytes that Windows-1252 leaves open, as latin-1 has them."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("piecework.mark", _mark)
codecs.register_error("piecework.latin", _as_latin)


@dataclass(frozen=True, slots=True)
class Encoding:
    """`name` as codecs has it; `skip` bytes of byte-order mark; `clean` when every byte was seen to decode."""

    name: str
    skip: int = 0
    clean: bool = True


def opened(path: Path) -> BufferedIOBase:
    """The file for reading, unpacked when it is gzip. Raises InputError when it cannot be opened."""
    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        return cast(BufferedIOBase, gzip.open(path) if packed else path.open("rb"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.", f"无法读取 {path}：{error.strerror}。") from None


def chunks(path: Path, size: int = CHUNK) -> Iterator[bytes]:
    """The bytes of the (unpacked) file. Raises InputError for one that cannot be read, and a gzip file that is damaged or cut off."""
    with opened(path) as stream:
        try:
            while block := stream.read(size):
                yield block
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(
                f"{path.name} is a damaged gzip file ({error}): unpack or fetch it again.",
                f"{path.name} 是损坏的 gzip 文件（{error}）：请重新获取。",
            ) from None
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.", f"无法读取 {path}：{error.strerror}。") from None


def detect(path: Path) -> Encoding:
    """UTF-8 (with or without BOM), UTF-16/32 with BOM, GB18030 (which holds GBK) or Windows-1252 (which holds latin-1).

    The whole file is decoded, in pieces. A file that is mostly valid UTF-8 or GBK keeps that encoding with `clean` false, so that
    only its damaged lines are refused. Chinese double bytes come in runs of bytes above 0x7f, accented letters stand alone:
    that tells GBK from latin-1.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    pending = False
    try:
        for number, block in enumerate(chunks(path)):
            if number == 0:
                for bom, name in _BOMS:
                    if block.startswith(bom):
                        if name != "utf-8":
                            return Encoding(name, len(bom), clean=False)
                        return Encoding("utf-8", len(bom), clean=_is_utf8(path))
            if pending or not block.isascii():
                decoder.decode(block)
                pending = bool(decoder.getstate()[0])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return _weigh(path)
    return Encoding("utf-8")


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in chunks(path):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _weigh(path: Path) -> Encoding:
    """The likeliest encoding of a file that is not all UTF-8, from up to _SAMPLE lines with bytes above 0x7f."""
    lines = high = encoded = paired = 0
    for block in chunks(path):
        for line in block.splitlines():
            if line.isascii():
                continue
            lines += 1
            high += len(_HIGH.findall(line))
            encoded += sum(map(len, _SEQUENCE.findall(line)))
            paired += sum(map(len, _HIGH_PAIR.findall(line)))
            if lines == _SAMPLE:
                break
        if lines == _SAMPLE:
            break
    if encoded > 0.6 * high:
        return Encoding("utf-8", clean=False)
    return Encoding("gb18030" if 2 * paired > high else "cp1252", clean=False)


def as_utf8(path: Path, encoding: Encoding, size: int = CHUNK) -> Iterator[bytes]:
    """The file as UTF-8 without its byte-order mark; bytes that are no text become MARK and an escape such as \\xff."""
    skip = encoding.skip
    decoder = codecs.getincrementaldecoder(encoding.name)("piecework.latin" if encoding.name == "cp1252" else "piecework.mark")
    for block in chunks(path, size):
        body, skip = block[skip:], 0
        yield body if encoding.clean else decoder.decode(body).encode()
    if not encoding.clean and (tail := decoder.decode(b"", final=True)):
        yield tail.encode()
