"""cytology-triage: measurements of cell nuclei (scikit-learn's `load_breast_cancer`, Wisconsin), judged by naive Bayes.

Naive Bayes is overconfident, which calibration must find out. Imports scikit-learn, so only the demo's commands may
import it.
"""

from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from hitl.demo.cases import DemoCase, likeliest, probabilities, ranks

TASK_TYPE = "cytology-triage"
MODEL = "cytology-bayes-1"
TRAINED_ON = 160
LABELS = ["malignant", "benign"]
_MEANS = slice(0, 10)
"""The model sees the ten mean values only; people see all thirty measurements."""
_TOP = 5


def cytology_cases(seed: int, count: int) -> list[DemoCase]:
    """Predictions on samples no model was trained on; at most 409. The same seed gives the same cases."""
    data = load_breast_cancer()
    names = [str(name) for name in data.feature_names]
    order = np.random.default_rng(seed).permutation(len(data.target))
    train, fresh = order[:TRAINED_ON], order[TRAINED_ON : TRAINED_ON + count]
    means, all_features = data.data[:, _MEANS], data.data
    model = GaussianNB().fit(means[train], data.target[train])
    stump = DecisionTreeClassifier(max_depth=1, random_state=seed).fit(all_features[train], data.target[train])
    scaler = StandardScaler().fit(means[train])
    nearest = NearestNeighbors(n_neighbors=1).fit(scaler.transform(means[train]))
    distance = nearest.kneighbors(scaler.transform(means[fresh]))[0][:, 0] / np.sqrt(means.shape[1])
    complexity = ranks(distance)
    shares, plain = model.predict_proba(means[fresh]), stump.predict(all_features[fresh])
    cut = f"{names[stump.tree_.feature[0]]} against {stump.tree_.threshold[0]:.4g}"
    cases = []
    for row, place in enumerate(fresh):
        own = probabilities(LABELS, shares[row])
        label, truth = likeliest(own), LABELS[data.target[place]]
        body = {
            "task_type": TASK_TYPE,
            "external_id": f"smear-{int(place):04d}",
            "subject": f"patient-{int(place):04d}",
            "input": {"measurements": dict(zip(names, data.data[place].tolist(), strict=True))},
            "prediction": {
                "label": label,
                "confidence": own[label],
                "confidence_source": "probability",
                "model_version": MODEL,
                "probabilities": own,
                "interpretable": {"label": LABELS[plain[row]], "explanation": f"One cut: {cut}."},
                "nearest_neighbor_distance": round(float(distance[row]), 4),
                "explanation": {"top_features": _features(model, names, means[place], LABELS.index(label))},
            },
            "key_evidence": ["/measurements"],
            "context": {
                "stakes": "high",
                "complexity": complexity[row],
                "required_expertise": ["cytology"],
                "latency_tolerance": "batch",
            },
        }
        cases.append(DemoCase(body, truth, LABELS[1 - LABELS.index(truth)]))
    return cases


def _features(model: GaussianNB, names: list[str], sample: Any, label: int) -> list[dict[str, Any]]:
    """What argues most for or against the label: log-likelihood ratios in nats, which naive Bayes simply adds."""
    densities = -0.5 * (np.log(model.var_) + (sample - model.theta_) ** 2 / model.var_)
    ratios = densities[label] - densities[1 - label]
    top = np.argsort(-np.abs(ratios), kind="stable")[:_TOP].tolist()
    return [
        {"feature": names[place], "importance": round(float(ratios[place]), 3), "value": float(sample[place])}
        for place in top
    ]
