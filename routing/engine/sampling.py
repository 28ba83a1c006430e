"""The one source of chance, made reproducible: a hash of the case instead of a random number."""

from hashlib import blake2b


def hash_draw(salt: str, key: str) -> float:
    """A number in [0, 1) that looks uniform over keys, always the same for one salt and key (BLAKE2b, RFC 7693)."""
    # The length keeps ("a", "bc") and ("ab", "c") apart.
    digest = blake2b(f"{len(salt)}:{salt}{key}".encode(errors="surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53


def second_draw(stratum: str, draw: float) -> float:
    """Another number in [0, 1) made of a draw, independent of it to all appearance, and its own for each stratum."""
    return hash_draw(f"second:{stratum}", draw.hex())
