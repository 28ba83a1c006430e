"""English and German are shipped: whatever is marked has its German, compiled and with every place filled."""

import re

from tests.core.catalogue import Message, compiled, marked, said

PLACE = re.compile(r"%\(\w+\)[a-z]|%[sd]")


def test_every_marked_string_has_its_german() -> None:
    catalogue = said()
    missing = {m: place for m, place in marked().items() if not all(catalogue.get(m, ("",)))}
    assert not missing, f"run `make translations` and translate: {missing}"


def test_the_catalogue_holds_nothing_else() -> None:
    assert set(said()) <= set(marked()), "run `make translations`"


def test_the_compiled_catalogue_says_the_same() -> None:
    def keys(message: Message, texts: tuple[str, ...]) -> dict[str, str]:
        key = f"{message.context}\x04{message.text}" if message.context else message.text
        if not message.plural:
            return {f"{key}\0": texts[0]}
        return {f"{key}\0{form}": text for form, text in enumerate(texts)}

    written = {key: text for message, texts in said().items() for key, text in keys(message, texts).items()}
    assert compiled() == written, "run `make translations`"


def test_german_fills_the_same_places_as_english() -> None:
    for message, texts in said().items():
        for english, german in zip((message.text, message.plural or message.text), texts, strict=False):
            assert set(PLACE.findall(english)) == set(PLACE.findall(german)), message
            assert (english.startswith(" "), english.endswith(" ")) == (german.startswith(" "), german.endswith(" "))
