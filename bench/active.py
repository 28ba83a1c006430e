"""`python -m bench.active [judged] [dimensions]`: what scoring a case for diversity costs beside 100,000 judged ones.

Goal: under 15 ms per case the way a sweep scores them, outside the request path. Exit code 1 when it is missed.
"""

import sys
import time

import numpy as np

from feedback.diversity import find_regions, nearest_distance, unit_vectors

GOAL_MS = 15.0
_CASES = 200


def main() -> int:
    judged, dim = (int(argument) for argument in (*sys.argv[1:], *("100000", "384")[len(sys.argv) - 1 :]))
    rng = np.random.default_rng(1)
    stored = [row.tobytes() for row in rng.normal(size=(judged, dim)).astype("<f4")]
    vectors, load_s = _timed(lambda: unit_vectors(stored, dim)[0])
    cases = unit_vectors([row.tobytes() for row in rng.normal(size=(_CASES, dim)).astype("<f4")], dim)[0]
    each_ms = _timed(lambda: nearest_distance(cases, vectors))[1] / _CASES * 1000
    alone = [_timed(lambda case=case: nearest_distance(case[None, :], vectors))[1] * 1000 for case in cases]
    regions, regions_s = _timed(lambda: find_regions(vectors[:20_000], vectors))
    typical, worst = (float(np.quantile(alone, q)) for q in (0.5, 0.95))
    print(f"{judged:,} judged cases of {dim} dimensions")
    print(f"normalise and hold them in memory   {load_s:8.2f} s, {vectors.nbytes / 2**20:,.0f} MiB")
    print(f"find and count regions              {regions_s:8.2f} s, {len(regions.centres) if regions else 0} regions")
    print(f"score one case among {_CASES} together   {each_ms:8.2f} ms")
    print(f"score one case alone, median        {typical:8.2f} ms, 95 % within {worst:.2f} ms")
    return int(each_ms > GOAL_MS)


def _timed(work):  # type: ignore[no-untyped-def]
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
