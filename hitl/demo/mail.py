"""message-moderation: public mail, spam or not, judged by a logistic model over words.

Imports scikit-learn, so only the demo's commands may import it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from hitl.demo.cases import DemoCase, likeliest, probabilities
from hitl.demo.mail_archive import Mail

TASK_TYPE = "message-moderation"
MODEL = "words-logistic-1"
TRAINED_ON = 600
LABELS = ["legitimate", "spam"]
_WORD = re.compile(r"(?u)\b[a-z]{3,20}\b")
_WORDS_SHOWN = 10
_SPANS_MAX = 40


def mail_cases(mails: Sequence[Mail], seed: int, count: int) -> list[DemoCase]:
    """Predictions on messages the model was not trained on. ValueError where there are too few messages."""
    if len(mails) < TRAINED_ON + count:
        raise ValueError(f"{TRAINED_ON + count} messages are needed, {len(mails)} could be read")
    order = np.random.default_rng(seed).permutation(len(mails)).tolist()
    train = [mails[place] for place in order[:TRAINED_ON]]
    fresh = [mails[place] for place in order[TRAINED_ON : TRAINED_ON + count]]
    words = TfidfVectorizer(token_pattern=_WORD.pattern, min_df=3, max_features=5_000, sublinear_tf=True)
    seen = words.fit_transform([_document(mail) for mail in train])
    model = LogisticRegression(C=10.0, max_iter=1_000).fit(seen, [int(mail.spam) for mail in train])
    shares = model.predict_proba(words.transform([_document(mail) for mail in fresh]))
    weights = dict(zip(words.get_feature_names_out().tolist(), (model.coef_[0] * words.idf_).tolist(), strict=True))
    return [_case(mail, shares[row], weights) for row, mail in enumerate(fresh)]


def _document(mail: Mail) -> str:
    return f"{mail.subject}\n{mail.text}".lower()


def _case(mail: Mail, row: Any, weights: Mapping[str, float]) -> DemoCase:
    own = probabilities(LABELS, row)
    label, truth = likeliest(own), LABELS[int(mail.spam)]
    spans = highlighted(mail.text, weights, toward_spam=label == "spam")
    body = {
        "task_type": TASK_TYPE,
        "external_id": f"mail-{mail.name}",
        "input": {"subject": mail.subject, "from": mail.sender, "text": mail.text},
        "prediction": {
            "label": label,
            "confidence": own[label],
            "confidence_source": "probability",
            "model_version": MODEL,
            "probabilities": own,
            "explanation": {"spans": spans},
        },
        "key_evidence": ["/text"],
        "context": {"stakes": "medium", "complexity": round(min(1.0, len(mail.text) / 5_000), 3)},
    }
    return DemoCase(body, truth, LABELS[1 - LABELS.index(truth)])


def highlighted(text: str, weights: Mapping[str, float], *, toward_spam: bool) -> list[dict[str, Any]]:
    """Where the words stand that argue most for the label: character offsets into `text`, weights above 0, in order."""
    sign = 1.0 if toward_spam else -1.0
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters change their length; offsets would be wrong
        return []
    found = [(match, sign * weights.get(match[0], 0.0)) for match in _WORD.finditer(lowered)]
    best = sorted({match[0]: weight for match, weight in found if weight > 0.0}.items(), key=lambda item: -item[1])
    shown = dict(best[:_WORDS_SHOWN])
    return [
        {"start": match.start(), "end": match.end(), "weight": round(shown[match[0]], 3), "pointer": "/text"}
        for match, _ in found
        if match[0] in shown
    ][:_SPANS_MAX]
