"""Distances between embeddings, and the regions they fall into. Worker only: imports numpy and scikit-learn."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.cluster import MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

Vectors = npt.NDArray[np.float32]
Counts = npt.NDArray[np.intp]

MAX_REGIONS = 32
_PER_REGION = 25
"""Judged cases a region should hold on average."""
_SEED = 0


def unit_vectors(rows: Sequence[bytes | memoryview], dim: int) -> tuple[Vectors, npt.NDArray[np.bool_]]:
    """Stored vectors as rows of length 1, and which rows have a direction at all; the others are left zero.

    rows: little-endian float32, `dim` of them each. Shape (len(rows), dim).
    """
    found = np.frombuffer(b"".join(rows), dtype="<f4").reshape(len(rows), dim).astype(np.float32)
    # Scaled by the largest entry first, or the squares of very long vectors overflow.
    largest = np.abs(found).max(axis=1, keepdims=True, initial=0.0)
    usable = largest[:, 0] > 0.0
    found = np.divide(found, largest, out=np.zeros_like(found), where=largest > 0.0)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    return np.divide(found, lengths, out=np.zeros_like(found), where=lengths > 0.0), usable


def nearest_distance(candidates: Vectors, judged: Vectors) -> npt.NDArray[np.float32]:
    """For each candidate the distance to the nearest judged vector: 1 less the cosine, at most 1; 1 without any.

    Both hold unit vectors. One product of matrices; at 100,000 judged and 384 dimensions a few milliseconds a case.
    """
    if not len(judged):
        return np.ones(len(candidates), dtype=np.float32)
    nearest = np.concatenate([(judged @ block.T).max(axis=0) for block in _blocks(candidates)])
    distance: npt.NDArray[np.float32] = np.clip(1.0 - nearest, 0.0, 1.0).astype(np.float32)
    return distance


@dataclass(frozen=True, slots=True)
class Regions:
    """Centres (unit vectors) and how many judged cases lie nearest to each."""

    centres: Vectors
    judged: Counts

    def of(self, vectors: Vectors) -> Counts:
        """The nearest region of each vector."""
        places: Counts = (vectors @ self.centres.T).argmax(axis=1)
        return places

    def rarity(self) -> npt.NDArray[np.float64]:
        """Per region 1 without judgements, falling to 0 at its fair share (all judgements over all regions)."""
        fair = max(self.judged.sum() / len(self.centres), 1.0)
        rare: npt.NDArray[np.float64] = np.clip(1.0 - self.judged / fair, 0.0, 1.0)
        return rare


def find_regions(seen: Vectors, judged: Vectors, before: Vectors | None = None) -> Regions | None:
    """Regions of all that was seen (mini-batch k-means, Sculley 2010), with their judged cases counted; null for fewer
    than two regions' worth.

    Centres come from everything seen, not only from what was judged: else a region nobody ever judged could not be
    found. `before`: earlier centres to start from, so that regions keep their numbers.
    """
    wanted = min(MAX_REGIONS, len(seen) // _PER_REGION)
    if wanted < 2:
        return None
    start = before if before is not None and before.shape == (wanted, seen.shape[1]) else "k-means++"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct vectors than regions
        fitted = MiniBatchKMeans(wanted, init=start, n_init=1, max_iter=20, batch_size=2048, random_state=_SEED).fit(
            seen
        )
    centres = fitted.cluster_centers_.astype(np.float32)
    lengths = np.linalg.norm(centres, axis=1, keepdims=True)
    centres = np.divide(centres, lengths, out=np.zeros_like(centres), where=lengths > 0.0)
    return count_judged(centres, judged)


def count_judged(centres: Vectors, judged: Vectors) -> Regions:
    """Known centres with the judged cases counted anew."""
    empty = Regions(centres, np.zeros(len(centres), dtype=np.intp))
    if not len(judged):
        return empty
    counts = np.bincount(empty.of(judged), minlength=len(centres)).astype(np.intp)
    return Regions(centres, counts)


def _blocks(vectors: Vectors, size: int = 256) -> list[Vectors]:
    """Few rows at a time: the product with 100,000 judged vectors would not fit in memory otherwise."""
    return [vectors[start : start + size] for start in range(0, len(vectors), size)]
