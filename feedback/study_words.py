"""What a threshold study found, in words for its page."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from feedback.models import ThresholdStudy
from feedback.study_charts import money, money_range
from hitl.core.numbers import percent, plain, whole
from hitl.core.said import said

Found = Mapping[str, Any]


def verdict(study: ThresholdStudy) -> str:
    """The one sentence that matters."""
    if study.objective == ThresholdStudy.Objective.PER_LABEL:
        return _verdict_per_label(study)
    recommended = study.result.get("recommended_threshold", study.result["guaranteed_threshold"])
    if recommended is None:
        cost = study.result.get("cost")
        return said((cost and cost["reason"]) or study.result["reason"] or "")
    point = point_at(study.result, recommended)
    return _(
        "From a confidence of %(threshold)s on the machine may decide: %(share)s of the cases (n = %(n)s), with an "
        "error of at most %(budget)s; a sample that misleads about that comes up in at most %(delta)s of studies."
    ) % {
        "threshold": plain(recommended),
        "share": percent(1.0 - point["review_share"]),
        "n": whole(study.n),
        "budget": percent(study.max_error),
        "delta": percent(study.delta),
    }


def _verdict_per_label(study: ThresholdStudy) -> str:
    labels = study.result["per_label"]["labels"]
    held = [one for one in labels if one["attainable"]]
    if not held:
        return _("Not attainable: no label certifies an error of at most %(budget)s.") % {
            "budget": percent(study.max_error)
        }
    return _(
        "%(held)d of %(all)d labels have a guaranteed threshold; together they automate %(share)s of the cases. That "
        "every one of them errs in at most %(budget)s is wrong in at most %(delta)s of studies."
    ) % {
        "held": len(held),
        "all": len(labels),
        "share": percent(study.result["per_label"]["automated_share"]),
        "budget": percent(study.max_error),
        "delta": percent(study.delta),
    }


def naive_words(study: ThresholdStudy) -> str:
    """Why the threshold that the sample alone suggests is not used."""
    naive, guaranteed = study.result["naive_threshold"], study.result["guaranteed_threshold"]
    if naive is None:
        return _("Not even in this sample does any threshold keep the error within the budget.")
    point = point_at(study.result, naive)
    figures = {
        "naive": plain(naive),
        "error": percent(point["error"], 2),
        "upper": percent(point["error_upper"], 2),
        "n": whole(point["tested"]),
    }
    if naive == guaranteed:
        return (
            _(
                "The lowest threshold within the budget in this sample, %(naive)s, is also guaranteed "
                "(error %(error)s, upper bound %(upper)s, n = %(n)s)."
            )
            % figures
        )
    return (
        _(
            "The lowest threshold within the budget in this sample is %(naive)s (error %(error)s, n = %(n)s). "
            "It is not used: it was picked because this sample looks good there, and on fresh cases such a pick breaks "
            "its budget in about half of all redraws. Its error may well be %(upper)s."
        )
        % figures
    )


def cost_words(cost: Found) -> Iterator[str]:
    """What is cheapest, what of it may go live, and what it is compared with."""
    every = money(cost["review_all"]["cost"])
    cheapest, certified = cost["cheapest"], cost["certified"]
    if cheapest is None:
        yield said(cost["reason"])
        return
    if cheapest["threshold"] is None:
        yield _("Cheapest of all is to review every case, at %(cost)s a case.") % {"cost": every}
    else:
        yield _(
            "Cheapest of all is %(threshold)s: %(cost)s a case [%(range)s]; reviewing every case costs %(every)s."
        ) % (_priced(cheapest) | {"every": every})
        if cost["similar"] and cost["similar"][0] < cost["similar"][1]:
            low, high = (plain(end) for end in cost["similar"])
            yield _("From %(low)s to %(high)s no threshold can be told from it by cost with this many labels.") % {
                "low": low,
                "high": high,
            }
    if cost["cheapest_is_certified"]:
        yield _("It also holds the error budget with its guarantee.")
    elif certified is not None:
        yield _(
            "Its error is not certified to be within the budget, so it does not go live. The cheapest certified "
            "threshold is %(threshold)s: %(cost)s a case [%(range)s]."
        ) % _priced(certified)
    elif cheapest["threshold"] is not None:
        yield said(cost["reason"])


def needed_words(result: Found) -> Iterator[str]:
    """What would make it attainable; nothing where it is."""
    if result["attainable"]:
        return
    if result["labels_needed"] is not None:
        yield _(
            "At least %(n)s more labels at or above %(threshold)s, all of them right, would certify that threshold."
        ) % {"n": whole(result["labels_needed"]), "threshold": plain(result["best_threshold"])}
    slices = result.get("slices")
    if not slices:
        return
    alone = [one for one in slices["slices"] if one["attainable"]]
    looked = {"looked": len(slices["slices"]), "small": slices["too_small"]}
    if alone:
        yield _(
            "%(alone)d of the %(looked)d slices looked at certify by themselves already; %(small)d more are too small "
            "to certify without a single error."
        ) % (looked | {"alone": len(alone)})
    else:
        yield (
            _("None of the %(looked)d slices looked at certifies by itself either; %(small)d more are too small to.")
            % looked
        )


def point_at(result: Found, threshold: float) -> Found:
    """The point of the curve at a threshold of the grid."""
    found: Found = next(point for point in result["curve"] if point["threshold"] == threshold)
    return found


def slice_words(slice_: Found) -> str:
    """What a study is narrowed to; empty for all cases."""
    parts = [_("predicted as %(label)s") % {"label": slice_["label"]}] if slice_.get("label") else []
    parts += [f"{name}={value}" for name, value in slice_.get("segment", {}).items()]
    return ", ".join(parts)


def share_words(share: Found) -> str:
    """A share with its interval, or that there is nothing to say."""
    if share["value"] is None:
        return _("no cases to tell")
    return f"{percent(share['value'])} [{percent(share['low'])}–{percent(share['high'])}]"


def _priced(point: Found) -> dict[str, str]:
    return {"threshold": plain(point["threshold"]), "cost": money(point["cost"]), "range": money_range(point)}
