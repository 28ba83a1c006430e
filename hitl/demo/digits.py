"""digit-reading: handwritten digits, 8 by 8 (scikit-learn's `load_digits`), read by three models.

Imports scikit-learn, so only the demo's commands may import it.
"""

from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestNeighbors

from hitl.demo.cases import DemoCase, likeliest, probabilities, ranks

TASK_TYPE = "digit-reading"
MODEL = "digits-forest-1"
TRAINED_ON = 400
"""Few enough that the main model reads about one digit in twenty wrongly, so people have work."""
LABELS = [str(digit) for digit in range(10)]
_SIDE = 8
_INK = 16.0
_REGIONS = 4


def digit_cases(seed: int, count: int) -> list[DemoCase]:
    """Predictions on digits no model was trained on; at most 1,397. The same seed gives the same cases."""
    data = load_digits()
    order = np.random.default_rng(seed).permutation(len(data.target))
    train, fresh = order[:TRAINED_ON], order[TRAINED_ON : TRAINED_ON + count]
    seen, unseen = data.data[train] / _INK, data.data[fresh] / _INK
    main = RandomForestClassifier(100, random_state=seed).fit(seen, data.target[train])
    logistic = LogisticRegression(C=1.0, max_iter=1_000).fit(seen, data.target[train])
    others = {
        "digits-logistic-1": logistic,
        "digits-neighbours-1": KNeighborsClassifier(5).fit(seen, data.target[train]),
    }
    distance = NearestNeighbors(n_neighbors=1).fit(seen).kneighbors(unseen)[0][:, 0] / _SIDE
    complexity = ranks(distance)
    shares = main.predict_proba(unseen)
    votes = {name: model.predict_proba(unseen) for name, model in others.items()}
    strokes = unseen[:, None, :] * logistic.coef_[None, :, :]
    cases = []
    for row, place in enumerate(fresh):
        ensemble = {name: probabilities(LABELS, votes[name][row]) for name in votes}
        own = probabilities(LABELS, shares[row])
        label, truth = likeliest(own), str(data.target[place])
        body = {
            "task_type": TASK_TYPE,
            "external_id": f"digit-{int(place):04d}",
            "input": {"pixels": data.images[place].astype(int).tolist()},
            "prediction": {
                "label": label,
                "confidence": own[label],
                "confidence_source": "probability",
                "model_version": MODEL,
                "probabilities": own,
                "ensemble": [_vote(name, ensemble[name]) for name in ensemble],
                "nearest_neighbor_distance": round(float(distance[row]), 4),
                "explanation": {"regions": _regions(strokes[row][int(label)])},
            },
            "key_evidence": ["/pixels"],
            "context": {"stakes": "low", "complexity": complexity[row], "latency_tolerance": "provisional"},
        }
        cases.append(DemoCase(body, truth, likeliest(own, other_than=truth)))
    return cases


def _vote(name: str, shares: dict[str, float]) -> dict[str, Any]:
    label = likeliest(shares)
    return {"model": name, "label": label, "confidence": shares[label]}


def _regions(contributions: Any) -> list[dict[str, float]]:
    """The pixels that argue most for the label (by the logistic model's weights), as shares of the picture's sides."""
    side = 1.0 / _SIDE
    top = np.argsort(-contributions, kind="stable")[:_REGIONS].tolist()
    return [
        {
            "x": place % _SIDE * side,
            "y": place // _SIDE * side,
            "w": side,
            "h": side,
            "weight": round(float(contributions[place]), 4),
        }
        for place in top
        if contributions[place] > 0.0
    ]
