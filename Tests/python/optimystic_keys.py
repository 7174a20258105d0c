"""Typed keys that order as bytes as their values do, made of nothing but Protos/README.md."""

import struct
import uuid


def key(kind, value, more_follows=False):
    """The key of a value: kinds and rules as in Protos/README.md, byte strings as bytes."""
    if kind.endswith("?"):
        return b"\0" if value is None else b"\1" + key(kind[:-1], value, more_follows)
    if kind.startswith("("):
        kinds = components(kind)
        parts = list(zip(kinds, value, strict=True))
        return b"".join(
            key(part, item, more_follows or index < len(parts) - 1)
            for index, (part, item) in enumerate(parts))
    if kind in ("text", "bytes"):
        data = value.encode() if kind == "text" else value
        return data.replace(b"\0", b"\0\xff") + b"\0\0" if more_follows else data
    if kind == "bool":
        return bytes([value])
    if kind == "uuid":
        return uuid.UUID(value).bytes
    if kind in ("double", "date", "float"):
        # Adding zero turns -0.0 into 0.0.
        data = struct.pack(">f" if kind == "float" else ">d", value + 0.0)
        turned = 0xFF if data[0] & 0x80 else 0
        return bytes([data[0] ^ (turned or 0x80)]) + bytes(byte ^ turned for byte in data[1:])
    bits = int(kind.lstrip("uint"))
    offset = 0 if kind.startswith("u") else 1 << bits - 1
    return (value + offset).to_bytes(bits // 8, "big")


def components(kind):
    """The kinds between the parentheses of a tuple."""
    kinds, depth = [""], 0
    for letter in kind[1:-1]:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            kinds.append("")
        else:
            kinds[-1] += letter
    return kinds


def prefix_end(prefix):
    """The first key behind all that begin with a prefix; None when there is none."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else None
