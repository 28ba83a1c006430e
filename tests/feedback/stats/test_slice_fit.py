"""A slice gets a map of its own only where that shows on records neither map saw; chance and overlap are paid for."""

import numpy as np
import pytest
from scipy.special import expit, logit
from statsmodels.stats.multitest import multipletests

from feedback.stats.calibration_fit import Floats, fit_out_of_fold, log_losses, predict
from feedback.stats.slice_fit import (
    LEVEL,
    MAX_CANDIDATES,
    Fitted,
    Places,
    SliceProposal,
    mean_and_error,
    propose_slices,
)
from routing.engine.slices import Slice

EU, US = Slice(segment=("region", "EU")), Slice(segment=("region", "US"))
APPROVE, REJECT = Slice("approve"), Slice("reject")


def world(n: int, *, seed: int, eu: float = 0.0, approve: float = 0.0) -> tuple[Fitted, dict[Slice, Places], Floats]:
    """Overconfident scores, whose log-odds of being right shift by `eu` in the EU and by `approve` on that label;
    weights 1 or 5. Also the true probabilities.
    """
    rng = np.random.default_rng(seed)
    x = np.clip(rng.beta(5, 1.5, n), 0.001, 0.999)
    region, label = rng.integers(0, 3, n), rng.integers(0, 2, n)
    truth = expit(logit(x) / 2 + eu * (region == 0) + approve * (label == 0))
    y = (rng.random(n) < truth).astype(float)
    w = np.where(rng.random(n) < 0.3, 5.0, 1.0)
    _, parent = fit_out_of_fold(x, y == 1, w, seed=0)
    assert parent is not None
    places = {own: np.flatnonzero(region == value) for value, own in enumerate((EU, US))}
    places |= {own: np.flatnonzero(label == value) for value, own in enumerate((APPROVE, REJECT))}
    return Fitted(x, y, w / w.mean(), parent), places, truth


def proposed(n: int, **how: float) -> tuple[SliceProposal, Fitted, dict[Slice, Places], Floats]:
    fitted, places, truth = world(n, **how)  # type: ignore[arg-type]
    return propose_slices(fitted, places, seed=0), fitted, places, truth


def test_a_slice_where_the_model_errs_differently_gets_a_map_that_is_nearer_to_the_truth() -> None:
    proposal, fitted, places, truth = proposed(6_000, seed=1, eu=-1.2)
    assert proposal.used[0].slice == EU
    own = proposal.used[0]
    assert own.map is not None and own.gain is not None and own.gain > 0.01
    there = places[EU]
    miss = np.abs(predict(own.map, fitted.x[there]) - truth[there]).mean()
    assert miss < 0.03 < np.abs(fitted.parent[there] - truth[there]).mean()
    assert "gains" in own.reason and "Holm" in own.reason


def test_where_no_slice_differs_one_is_used_in_at_most_the_nominal_share_of_redraws() -> None:
    redraws = 60
    used = sum(bool(proposed(1_500, seed=seed)[0].used) for seed in range(redraws))
    assert used <= LEVEL * redraws


def test_refused_ones_say_why_and_lose_nothing_of_their_figures() -> None:
    proposal = proposed(3_000, seed=2)[0]
    assert len(proposal.findings) == 4 and not proposal.used
    for finding in proposal.findings:
        assert finding.map is None and finding.gain is not None and finding.p_adjusted is not None
        assert ("loses" in finding.reason) == (finding.gain <= 0)
        assert "may be chance" in finding.reason or finding.gain <= 0


def test_holms_correction_equals_statsmodels() -> None:
    found = [f for f in proposed(4_000, seed=3, eu=-0.5)[0].findings if f.p is not None]
    expected = multipletests([f.p for f in found], method="holm")[1]
    assert [f.p_adjusted for f in found] == pytest.approx(expected)


def test_the_standard_error_is_the_spread_of_the_mean_over_redraws() -> None:
    rng = np.random.default_rng(4)
    draws = [(rng.exponential(2.0, 400), rng.uniform(1, 3, 400)) for _ in range(2_000)]
    means, errors = zip(*(mean_and_error(values, w) for values, w in draws), strict=True)
    assert np.mean(errors) == pytest.approx(np.std(means), rel=0.05)


def test_a_slice_below_the_floor_is_refused_and_says_how_many_labels_it_needs() -> None:
    fitted, places, _ = world(3_000, seed=5, eu=-2.0)
    few = Slice(segment=("region", "MT"))
    proposal = propose_slices(fitted, places | {few: places[EU][:250]}, seed=0)
    [finding] = [f for f in proposal.findings if f.slice == few]
    assert finding.n == 250 and finding.effective_n < 200
    assert finding.reason.startswith("not enough data") and "200 are needed" in finding.reason


def test_too_few_errors_are_refused_however_many_the_labels() -> None:
    fitted, places, _ = world(6_000, seed=6)
    right = places[EU][fitted.y[places[EU]] == 1.0]
    [finding] = propose_slices(fitted, {EU: right}, seed=0).findings
    assert "0 wrong" in finding.reason and finding.map is None


def test_a_slice_of_everything_is_the_model_itself() -> None:
    fitted, _, _ = world(1_000, seed=7)
    [finding] = propose_slices(fitted, {APPROVE: np.arange(1_000)}, seed=0).findings
    assert "every labelled record" in finding.reason


def test_a_slice_that_only_repeats_an_earlier_one_is_refused_on_what_is_left_to_it() -> None:
    fitted, places, _ = world(9_000, seed=8, eu=-1.5)
    echo = Slice(segment=("currency", "EUR"))
    echoed = np.sort(np.concatenate([places[EU][50:], places[US][:150]]))
    proposal = propose_slices(fitted, {EU: places[EU], echo: echoed}, seed=0)
    assert [f.slice for f in proposal.used] == [EU]
    [refused] = [f for f in proposal.findings if f.slice == echo]
    assert "on the 150 records that region “EU” leave to it" in refused.reason


def test_two_slices_that_both_differ_are_both_used_and_the_second_is_fitted_on_what_the_first_leaves() -> None:
    proposal, _, places, _ = proposed(12_000, seed=9, eu=-1.5, approve=1.5)
    used = {f.slice: f for f in proposal.used}
    first, *others = proposal.used
    assert EU in used and {APPROVE, REJECT} & set(used)
    left = np.setdiff1d(places[others[0].slice], places[first.slice])
    assert others[0].map is not None and others[0].map.n in (len(left), len(places[others[0].slice]))


def test_only_the_candidates_with_most_labels_are_looked_at_and_the_rest_are_counted() -> None:
    fitted, _, _ = world(2_000, seed=10)
    many = {Slice(segment=("shop", str(k))): np.arange(k, k + 20) for k in range(80)}
    proposal = propose_slices(fitted, many, seed=0)
    assert (len(proposal.findings), proposal.others) == (MAX_CANDIDATES, 30)


def test_the_same_labels_give_the_same_proposal() -> None:
    fitted, places, _ = world(3_000, seed=11, eu=-1.0)
    backwards = dict(reversed(places.items()))
    assert propose_slices(fitted, places, seed=0) == propose_slices(fitted, backwards, seed=0)


def test_no_candidates_are_no_findings() -> None:
    fitted, _, _ = world(500, seed=12)
    assert propose_slices(fitted, {}, seed=0) == SliceProposal((), 0)


def test_what_a_family_predicts_out_of_its_folds_is_what_its_score_was_measured_on() -> None:
    fitted, _, _ = world(2_000, seed=13)
    fit, predictions = fit_out_of_fold(fitted.x, fitted.y == 1, fitted.w, seed=0)
    assert fit.map is not None and predictions is not None
    [chosen] = [c for c in fit.candidates if c.method is fit.map.method]
    assert chosen.log_loss == pytest.approx(float(np.average(log_losses(predictions, fitted.y), weights=fitted.w)))
