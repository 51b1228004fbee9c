"""Hashes of texts: FarmHash64 and SipHash64, as TensorFlow takes them to put values into bins.

The functions work on many texts of one length at a time: a row of bytes each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sheer.core.errors import ShapeError
from sheer.core.shapes import Shape
from sheer.ops.declare import Array, op
from sheer.ops.rules import integers

__all__: list[str] = []

# Large primes of FarmHash.
K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
WORD = 2**64
# The first state of SipHash: "somepseudorandomlygeneratedbytes".
SIP = [0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573]


def number_at(xp: Any, rows: Any, place: int, size: int = 8) -> Any:
    """The number whose bytes stand at this place of each row, the smallest first."""
    piece = xp.ascontiguousarray(rows[:, place : place + size])
    return piece.view(f"<u{size}")[:, 0].astype("uint64")


def rotated(xp: Any, x: Any, right: int) -> Any:
    """The bits of 64-bit numbers moved to the right, the last ones to the front."""
    return (x >> right) | (x << (64 - right))


def mixed(xp: Any, x: Any) -> Any:
    """The upper bits over the lower ones."""
    return x ^ (x >> 47)


def joined(xp: Any, u: Any, v: Any, factor: Any) -> Any:
    """One hash of two."""
    u = mixed(xp, (u ^ v) * factor)
    return mixed(xp, (v ^ u) * factor) * factor


def farm_hash(xp: Any, rows: Any) -> Any:
    """FarmHash64 of rows of up to 32 bytes."""
    size = rows.shape[1]
    factor = (K2 + 2 * size) % WORD
    if size > 16:
        a, b = number_at(xp, rows, 0) * K1, number_at(xp, rows, 8)
        c, d = number_at(xp, rows, size - 8) * factor, number_at(xp, rows, size - 16) * K2
        first = rotated(xp, a + b, 43) + rotated(xp, c, 30) + d
        return joined(xp, first, a + rotated(xp, b + K2, 18) + c, factor)
    if size >= 8:
        a, b = number_at(xp, rows, 0) + K2, number_at(xp, rows, size - 8)
        c = rotated(xp, b, 37) * factor + a
        return joined(xp, c, (rotated(xp, a, 25) + b) * factor, factor)
    if size >= 4:
        a, b = number_at(xp, rows, 0, 4), number_at(xp, rows, size - 4, 4)
        return joined(xp, size + (a << 3), b, factor)
    if size:
        a, b, c = (rows[:, i].astype("uint64") for i in (0, size >> 1, size - 1))
        return mixed(xp, (a + (b << 8)) * K2 ^ (size + (c << 2)) * K0) * K2
    return xp.full(len(rows), K2, "uint64")


def farm_hash_of_long(xp: Any, rows: Any) -> Any:
    """FarmHash64 of rows of any number of bytes."""
    size = rows.shape[1]
    if size <= 32:
        return farm_hash(xp, rows)
    if size <= 64:
        factor = (K2 + 2 * size) % WORD
        a, b = number_at(xp, rows, 0) * K2, number_at(xp, rows, 8)
        c, d = number_at(xp, rows, size - 8) * factor, number_at(xp, rows, size - 16) * K2
        y = rotated(xp, a + b, 43) + rotated(xp, c, 30) + d
        z = joined(xp, y, a + rotated(xp, b + K2, 18) + c, factor)
        e, f = number_at(xp, rows, 16) * factor, number_at(xp, rows, 24)
        g = (y + number_at(xp, rows, size - 32)) * factor
        h = (z + number_at(xp, rows, size - 24)) * factor
        first = rotated(xp, e + f, 43) + rotated(xp, g, 30) + h
        return joined(xp, first, e + rotated(xp, f + a, 18) + g, factor)
    nothing = xp.zeros(len(rows), "uint64")
    y = nothing + (81 * K1 + 113) % WORD
    x, z = 81 * K2 % WORD + number_at(xp, rows, 0), mixed(xp, y * K2 + 113) * K2
    v = w = (nothing, nothing)
    for place in range(0, (size - 1) // 64 * 64, 64):
        x, y, z, v, w = _block(xp, rows, place, x, y, z, v, w, K1, 1)
    factor = K1 + ((z & 0xFF) << 1)
    v = v[0] + w[0] + (size - 1) % 64, v[1]
    w = w[0] + (size - 1) % 64 + v[0], w[1]
    x, y, z, v, w = _block(xp, rows, size - 64, x, y, z, v, w, factor, 9)
    first = joined(xp, v[0], w[0], factor) + mixed(xp, y) * K0 + z
    return joined(xp, first, joined(xp, v[1], w[1], factor) + x, factor)


def _block(
    xp: Any, rows: Any, at: int, x: Any, y: Any, z: Any, v: Any, w: Any, factor: Any, weight: int
) -> Any:
    """The state of FarmHash64 after 64 more bytes: x, y, z, and the pairs v and w."""
    x = rotated(xp, x + y + v[0] + number_at(xp, rows, at + 8), 37) * factor
    y = rotated(xp, y + v[1] + number_at(xp, rows, at + 48), 42) * factor
    x = x ^ (w[1] * weight)
    y = y + v[0] * weight + number_at(xp, rows, at + 40)
    z = rotated(xp, z + w[0], 33) * factor
    v = _pair(xp, rows, at, v[1] * factor, x + w[0])
    w = _pair(xp, rows, at + 32, z + w[1], y + number_at(xp, rows, at + 16))
    return z, y, x, v, w


def _pair(xp: Any, rows: Any, at: int, a: Any, b: Any) -> Any:
    """Two numbers from 32 bytes and two numbers."""
    w, x, y, z = (number_at(xp, rows, at + i) for i in (0, 8, 16, 24))
    a = a + w
    b = rotated(xp, b + a + z, 21)
    c = a
    a = a + x + y
    return a + z, b + rotated(xp, a, 44) + c


def sip_hash(xp: Any, rows: Any, salt: Any) -> Any:
    """SipHash-2-4 of rows of bytes, with a salt of two whole numbers."""
    size = rows.shape[1]
    ends = xp.zeros((len(rows), 8 - size % 8), "uint8")
    ends[:, -1] = size % 256
    rows = xp.concatenate([rows, ends], axis=1)
    v = [xp.zeros(len(rows), "uint64") + (SIP[i] ^ salt[i % 2] % WORD) for i in range(4)]
    for place in range(0, rows.shape[1], 8):
        word = number_at(xp, rows, place)
        v = sip_round(xp, sip_round(xp, [*v[:3], v[3] ^ word]))
        v[0] = v[0] ^ word
    v[2] = v[2] ^ 0xFF
    for _ in range(4):
        v = sip_round(xp, v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def sip_round(xp: Any, v: Any) -> Any:
    """The four numbers of the state, stirred once."""
    a, b, c, d = v
    a, c = a + b, c + d
    b, d = rotated(xp, b, 51) ^ a, rotated(xp, d, 48) ^ c
    a, c = rotated(xp, a, 32) + d, c + b
    d, b = rotated(xp, d, 43) ^ a, rotated(xp, b, 47) ^ c
    return [a, b, rotated(xp, c, 32), d]


def _same(x: Shape, num_bins: int, salt: Any = None) -> Shape:
    if num_bins < 1:
        raise ShapeError(f"num_bins must be 1 or more, not {num_bins}")
    return x


@op(
    shape=_same,
    dtype="int64",
    sample=[integers((7,), high=10**6, num_bins=5), integers((4,), num_bins=9, salt=(1, 2))],
    label="bin",
)
def hash_bins(xp: Any, x: Array, num_bins: int, salt: Any = None) -> Array:
    """Which bin each whole number falls into, by the hash of its decimal digits."""
    texts = xp.ascontiguousarray(x, "S20").reshape(-1)
    digits = texts.view("uint8").reshape(len(texts), 20)
    sizes = (digits > 0).sum(axis=1)
    bins = xp.zeros(len(texts), "int64")
    for size in set(sizes.tolist()):
        rows = digits[sizes == size, :size]
        hashes = farm_hash(xp, rows) if salt is None else sip_hash(xp, rows, salt)
        bins[sizes == size] = hashes % num_bins
    return bins.reshape(xp.shape(x))


def bins_of_texts(
    texts: Sequence[bytes], num_bins: int, salt: tuple[int, int] | None = None
) -> np.ndarray[Any, Any]:
    """Which bin each text falls into, by the hash of its bytes."""
    sizes = np.array([len(text) for text in texts], np.int64)
    bins = np.zeros(len(texts), np.int64)
    with np.errstate(over="ignore"):
        for size in set(sizes.tolist()):
            places = np.flatnonzero(sizes == size)
            together = b"".join(texts[i] for i in places.tolist())
            rows = np.frombuffer(together, np.uint8).reshape(len(places), size)
            hashes = farm_hash_of_long(np, rows) if salt is None else sip_hash(np, rows, salt)
            bins[places] = hashes % num_bins
    return bins
