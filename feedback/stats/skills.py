"""From how often a person was right to a level of skill, and what that weighs. Pure, plain Python."""

from dataclasses import dataclass

from feedback.stats.bounds import clopper_pearson_lower, clopper_pearson_upper

NOVICE, COMPETENT, EXPERT = "novice", "competent", "expert"
_ORDER = ("", NOVICE, COMPETENT, EXPERT)
DELTA = 0.05


@dataclass(frozen=True, slots=True)
class Rules:
    """Accuracy on outcomes and gold from which a person counts as competent or expert, and the levels' weights.

    competent_from < expert_from, both in (0, 1); min_cases: known answers before anything is said, >= 5; weights > 0.
    """

    competent_from: float = 0.80
    expert_from: float = 0.92
    min_cases: int = 20
    novice_weight: float = 0.8
    competent_weight: float = 1.0
    expert_weight: float = 1.2
    automatic: bool = False

    def weight_of(self, level: str) -> float:
        """What a judgement of this level weighs in training labels; 1 before it is rated."""
        weights = {NOVICE: self.novice_weight, COMPETENT: self.competent_weight, EXPERT: self.expert_weight}
        return weights.get(level, 1.0)


DEFAULT_RULES = Rules()


@dataclass(frozen=True, slots=True)
class Asked:
    """The level the figures ask for, which may be the one held; `low`, `high`: one-sided 95 % bounds of accuracy."""

    level: str
    low: float
    high: float


def level_asked(held: str, right: int, n: int, rules: Rules = DEFAULT_RULES) -> Asked:
    """Up where the accuracy is surely above a level's bound, down where surely below it; between, what is held stays.

    `held` empty: not rated yet. Bounds: Clopper & Pearson 1934, one-sided 95 %, for this one look. Fewer than
    `min_cases` known answers change nothing.
    """
    low, high = clopper_pearson_lower(right, n, DELTA), clopper_pearson_upper(right, n, DELTA)
    level = held
    if n >= rules.min_cases:
        if low >= rules.expert_from:
            level = EXPERT
        elif low >= rules.competent_from:
            level = max(held, COMPETENT, key=_ORDER.index)
        if high < rules.competent_from:
            level = NOVICE
        elif high < rules.expert_from and level == EXPERT:
            level = COMPETENT
    return Asked(level, low, high)
