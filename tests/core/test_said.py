"""Sentences made and kept in English are said in German on pages, with what stands in their places."""

import pytest
from django.utils import translation

from hitl.core.management.commands.collect_sentences import NAMES_TARGET, TARGET, names_written, written
from hitl.core.said import said
from tests.core.catalogue import ROOT

CASES = (
    ("You have judged this case.", "Sie haben diesen Fall beurteilt."),
    ("“maybe” is not a label of this task type.", "„maybe“ ist kein Label dieser Aufgabenart."),
    (
        "The calibrated confidence 0.71 is below the threshold 0.9, so a person decides.",
        "Die kalibrierte Konfidenz 0,71 liegt unter der Schwelle 0,9, also entscheidet ein Mensch.",
    ),
    (
        "A judge gives no answer: a person reviews it by tier expert; at high risk it is escalated.",
        "Ein beurteilendes Modell antwortet nicht: ein Mensch prüft ihn (Stufe expert);"
        " bei hohem Risiko wird er weitergeleitet.",
    ),
    (
        "For model credit-1.5: from a calibrated confidence of 0.95.",
        "Für Modell credit-1.5: ab einer kalibrierten Konfidenz von 0,95.",
    ),
    ("Say why. Say why.", "Geben Sie einen Grund an. Geben Sie einen Grund an."),
)
OWN_WORDS = ("The customer called twice.", "From 3 to 5", "approve", "", "rate 0.5")


@pytest.mark.parametrize(("english", "german"), CASES)
def test_a_sentence_of_ours_is_said_in_the_readers_language(english: str, german: str) -> None:
    assert said(english) == english
    with translation.override("de"):
        assert said(english) == german


@pytest.mark.parametrize("text", OWN_WORDS)
def test_somebodys_own_words_are_left_alone(text: str) -> None:
    with translation.override("de"):
        assert said(text) == text


def test_every_sentence_of_the_code_is_collected() -> None:
    assert (ROOT / TARGET).read_text() == written(), "run `make translations`"
    assert (ROOT / NAMES_TARGET).read_text() == names_written(), "run `make translations`"
