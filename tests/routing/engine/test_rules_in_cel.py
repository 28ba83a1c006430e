"""Rules: what may be written, and what happens when one cannot be answered (mission B9)."""

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.engine.cel import compile_rule
from routing.engine.cel_checks import MAX_LENGTH, CelError
from routing.engine.record import FIELDS, FieldType
from routing.engine.route import Action
from tests.routing.engine.cases import features, route, rule, snapshot, steps

READ = {
    FieldType.TEXT: '{} == "x"',
    FieldType.NUMBER: "{} > 0",
    FieldType.FLAG: "{}",
    FieldType.LIST: '"x" in {}',
    FieldType.MAP: '"x" in {}',
}


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.path)
def test_every_field_offered_to_an_editor_can_be_read_as_its_type(field: Any) -> None:
    assert compile_rule(READ[field.type].format(field.path)).paths == {field.path}
    assert field.description


@pytest.mark.parametrize(
    "source",
    [
        "true",
        "has(context.amount) && context.amount * 2.0 > 10.0",
        'context.segments.region in ["EU", "UK"]',
        'context.segments["region"] == "EU"',
        "prediction.probabilities.approve < 0.3",
        "input.items.exists(item, item.price > 10 && context.virality > 0.5)",
        'input["items"].size() > 3',
        "size(input.items) > 3 // many",
        r'prediction.label.matches(r"^[a-z]{2,5}$")',
        'context.required_expertise.all(e, e.startsWith("c"))',
        "!(case.reversible) ? context.is_new_user : false",
    ],
)
def test_useful_rules_are_accepted(source: str) -> None:
    compile_rule(source)


@pytest.mark.parametrize(
    "source, code, offset",
    [
        ("", "syntax", 0),
        ("context.amount >", "syntax", 16),
        ("context.amount > 1 )", "syntax", 19),
        ('prediction.label == "approve', "syntax", 20),
        ('prediction.label == """x"""', "syntax", 20),
        ("prediction.label == 'a' # x", "syntax", 24),
        ("true\x00", "syntax", 4),
        (".context.amount > 1", "syntax", 0),
        ("context.`amount` > 1", "syntax", 8),
        ("Foo{a: true}", "syntax", 0),
        ("amount > 1", "unknown_field", 0),
        ("true || amount > 1", "unknown_field", 8),
        ("context.amont > 1", "unknown_field", 8),
        ("(context).amount > 1", "unknown_field", 1),
        ('context["amount"] > 1', "unknown_field", 0),
        ("context.amount.cents > 1", "unknown_field", 15),
        ("{a: true} == {}", "unknown_field", 1),
        ("now() > 1", "unknown_function", 0),
        ("prediction.label.lowerAscii() == 'a'", "unknown_function", 17),
        ("context.amount", "not_boolean", 0),
        ("context.is_new_user ? 1 : 2", "not_boolean", 0),
        ("context.amount > 'a'", "fails_on_sample", 0),
        ("context.amount * 2 > 3", "fails_on_sample", 0),
        ("input.a.all(x, input.b.all(y, y > x))", "macro", 23),
        ("input.a.all(x, x > 1) || input.b.all(y, y > 1)", "macro", 33),
        ("input.a.all(x, x in input.b)", "macro", 20),
        ("(input.a + input.a).all(x, x > 1)", "macro", 20),
        ("input.a.all(input, input > 1)", "macro", 12),
        ("input.a.all(x, x.matches('a'))", "macro", 17),
        ("input.a.all(1, true)", "macro", 12),
        ("prediction.label.matches(prediction.model_version)", "pattern", 25),
        ("prediction.label.matches('(a{20}){20}')", "pattern", 25),
        ("prediction.label.matches('a{60}b{60}')", "pattern", 25),
        (r"prediction.label.matches('a\x7b900}')", "pattern", 25),
        ("+".join(["context.virality"] * 20) + " > 1.0", "too_many_terms", 17 * 17 - 1),
        ("||".join(["true"] * 300), "too_many_terms", 1200),
        ("(" * 40 + "true" + ")" * 40, "too_deep", 32),
        ("true?true:" * 99 + "true", "too_deep", 0),
    ],
)
def test_other_rules_are_refused_with_their_place(source: str, code: str, offset: int) -> None:
    with pytest.raises(CelError) as refused:
        compile_rule(source)
    assert (refused.value.code, refused.value.offset) == (code, offset)


def test_a_rule_has_a_longest_length() -> None:
    compile_rule("true" + " " * (MAX_LENGTH - 4))
    with pytest.raises(CelError, match="2000"):
        compile_rule("true" + " " * (MAX_LENGTH - 3))


WORDS = [*"abx.([{\"'\\r?:!-+ \n`#", "context", "input", "amount", ".all(x,", "true", "&&"]


@given(st.lists(st.sampled_from(WORDS)).map("".join))
def test_whatever_is_written_is_compiled_or_refused(source: str) -> None:
    try:
        compile_rule(source)
    except CelError as refused:
        assert 0 <= refused.offset <= len(source)


@pytest.mark.parametrize(
    "source",
    ["(" * 32 + "true" + ")" * 32, "!" * 399 + "true", "||".join(["true"] * 200), "true?true:" * 80 + "true"],
    ids=["brackets", "nots", "terms", "branches"],
)
def test_the_largest_rules_allowed_do_not_exhaust_a_small_stack(source: str) -> None:
    # An exhausted stack kills the process, so it is another one.
    code = (
        "import threading; from routing.engine.cel import compile_rule; threading.stack_size(1 << 20); "
        f"t = threading.Thread(target=lambda: print(compile_rule({source!r}).source)); t.start(); t.join()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, source)


DEEP = {"level": 1}
for _ in range(30):
    DEEP = {"below": DEEP}


@pytest.mark.parametrize(
    "source, content",
    [
        ("input.amount > 3", None),
        ("input.amount > 3", {}),
        ("input.amount > 3", {"amount": None}),
        ("input.amount > 3", {"amount": "many"}),
        ("input.amount", {"amount": 1}),
        ("input.amount / 0 > 1", {"amount": 1}),
        ("input.amount * 9223372036854775807 > 1", {"amount": 9}),
        ("input.items[5] == 1", {"items": [1]}),
        ("input.items.exists(i, i.a.b > 1)", {"items": [{"a": 1}]}),
        ("input.text == 'x'", {"text": "\ud800"}),
    ],
)
def test_a_rule_that_cannot_be_answered_sends_the_case_to_a_person(source: str, content: Any) -> None:
    answer = route(features(input=content), snapshot({"rules": [rule(source)]}))
    assert answer.action is Action.REVIEW
    assert ("rule", "failed") in steps(answer)
    assert source in answer.reason


@pytest.mark.parametrize(
    "source, content, action",
    [
        ("input.n > 3", {"n": 4, "other": DEEP}, Action.REVIEW),
        ("input.n > 3", {"n": 2.5}, Action.AUTOMATE),
        ("has(input.n) && input.n > 3", {}, Action.AUTOMATE),
        ('"n" in input', {"n": None}, Action.REVIEW),
        ("input.items.exists(i, i == 7)", {"items": [1, 7]}, Action.REVIEW),
        ("has(context.amount)", {}, Action.AUTOMATE),
        ('has(context.segments.region) && context.segments.region == "EU"', {}, Action.AUTOMATE),
        ("context.is_new_user || prediction.interpretable_disagrees", {}, Action.AUTOMATE),
        ('"law" in context.required_expertise', {}, Action.AUTOMATE),
    ],
)
def test_rules_read_the_case(source: str, content: Any, action: Action) -> None:
    assert route(features(input=content), snapshot({"rules": [rule(source)]})).action is action
