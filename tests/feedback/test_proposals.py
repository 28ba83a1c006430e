from feedback.proposals import ModelProposal, SourceProposal, proposed_document


def proposal(*certified: float, model: str = "m1", version: int = 5) -> ModelProposal:
    return ModelProposal(model, (SourceProposal("probability", version, certified),))


def entries_after(entries: list[dict[str, object]], *proposals: ModelProposal) -> list[dict[str, object]]:
    return proposed_document({"thresholds": {"default": 0.95, "entries": entries}}, proposals)["thresholds"]["entries"]


def test_a_threshold_is_an_entry_for_its_model_and_the_default_stays() -> None:
    document = proposed_document({"thresholds": {"default": None}, "rollout": True}, [proposal(0.9, 0.95)])

    assert document == {
        "rollout": True,
        "calibrations": [{"model_version": "m1", "confidence_source": "probability", "version": 5}],
        "thresholds": {"default": None, "entries": [{"model_version": "m1", "threshold": 0.9}]},
    }


def test_a_model_with_two_sources_gets_a_threshold_certified_for_both() -> None:
    sources = (SourceProposal("probability", 5, (0.8, 0.9, 0.95)), SourceProposal("ensemble", 6, (0.9, 0.95)))

    assert ModelProposal("m1", sources).threshold == 0.9
    assert ModelProposal("m1", (*sources, SourceProposal("self_assessment", 7, ()))).threshold is None


def test_an_entry_for_a_risk_level_holds_as_the_stricter_of_the_two() -> None:
    general = [{"risk": "high", "threshold": 0.99}, {"label": "reject", "threshold": 0.5}]

    assert entries_after(general, proposal(0.9)) == [
        *general,
        {"model_version": "m1", "threshold": 0.9},
        {"risk": "high", "threshold": 0.99, "model_version": "m1"},
        {"label": "reject", "threshold": 0.9, "model_version": "m1"},
    ]


def test_what_never_automates_stays_so_and_what_is_not_attainable_never_automates() -> None:
    general = [{"risk": "high", "threshold": None}, {"risk": "low", "threshold": 0.8}]

    assert [e["threshold"] for e in entries_after(general, proposal(0.9))[2:]] == [0.9, None, 0.9]
    assert [e["threshold"] for e in entries_after(general, proposal())[2:]] == [None, None, None]


def test_a_copy_that_an_earlier_proposal_raised_falls_again_but_a_persons_own_entry_does_not() -> None:
    general = [{"risk": "high", "threshold": 0.9}]
    first = entries_after(general, proposal(0.95))
    own = {"model_version": "m1", "label": "reject", "threshold": 0.97}

    second = entries_after([*first, own], proposal(0.92))

    assert {"risk": "high", "threshold": 0.92, "model_version": "m1"} in second
    assert own in second


def test_other_models_keep_their_calibrations_and_a_refitted_one_loses_its_old_ones() -> None:
    document = {
        "calibrations": [
            {"model_version": "m1", "confidence_source": "ensemble", "version": 1},
            {"model_version": "m2", "confidence_source": "probability", "version": 2},
        ]
    }

    versions = [c["version"] for c in proposed_document(document, [proposal(0.9)])["calibrations"]]

    assert versions == [2, 5]
