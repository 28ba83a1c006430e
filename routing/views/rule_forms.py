"""The rules of a draft as forms: read from a request, moved about, checked, and made a document again."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from hitl.core.errors import DomainError
from hitl.core.parsing import check_shape
from hitl.core.said import said
from routing.engine.cel import Rule, compile_rule, place_of
from routing.engine.cel_checks import MAX_LENGTH, CelError
from routing.engine.record import FIELD_BY_PATH
from routing.engine.route import RiskLevel
from routing.engine.rule_tests import Answer, ask_sample
from routing.engine.specs import TaskSpec

SECTIONS = ("risk_rules", "rules")
MAX_RULES, MAX_TESTS, MAX_CASE = 100, 20, 20_000
_NAMED = re.compile(r"(risk_rules|rules)-(\d{1,3})(?:-tests-(\d{1,2}))?-name")
_RULE_FIELDS = {"risk_rules": ("name", "when", "level"), "rules": ("name", "when", "then", "tier", "reason")}
_TEST_FIELDS = ("name", "case", "expect")
THEN = (
    ("review", _("a person decides")),
    ("escalate", _("a higher tier decides")),
    ("gate", _("the action waits for approval")),
)
LEVELS = tuple((level.value, level.value) for level in RiskLevel)


@dataclass(slots=True)
class RawRule:
    """One rule as typed; tests are dictionaries of texts too."""

    values: dict[str, str]
    tests: list[dict[str, str]] = field(default_factory=list)


Raw = dict[str, list[RawRule]]


class RuleForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100)
    when = forms.CharField(
        label=_("When"),
        max_length=MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocapitalize": "off", "class": "code"}),
    )


class RiskRuleForm(RuleForm):
    level = forms.ChoiceField(label=_("Then the risk is at least"), choices=LEVELS)


class RoutingRuleForm(RuleForm):
    then = forms.ChoiceField(label=_("Then"), choices=THEN)
    tier = forms.ChoiceField(label=_("By tier"), required=False)
    reason = forms.CharField(
        label=_("Reason shown with the case"), max_length=500, required=False, widget=forms.TextInput()
    )

    def __init__(self, *args: Any, tiers: tuple[tuple[str, str], ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["tier"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [("", str(_("the lowest able"))), *tiers]


class CaseForm(forms.Form):
    """One sample case of a rule."""

    name = forms.CharField(label=_("Test"), max_length=100)
    expect = forms.ChoiceField(label=_("The rule should be"), choices=(("true", _("true")), ("false", _("false"))))
    case = forms.CharField(
        label=_("Case (JSON, as submitted)"),
        max_length=MAX_CASE,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "class": "code"}),
    )

    def clean_case(self) -> dict[str, Any]:
        text = self.cleaned_data["case"]
        try:
            check_shape(text.encode(), max_bytes=4 * MAX_CASE)
            value = msgspec.json.decode(text)
        except DomainError as error:
            raise forms.ValidationError(error.errors[0].said if error.errors else error.said) from None
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise forms.ValidationError(_("This is not valid JSON: %s") % error) from None
        if not isinstance(value, dict):
            raise forms.ValidationError(_("Give an object: { … }."))
        return value


@dataclass(frozen=True, slots=True)
class Check:
    """A condition looked at. problem null: it compiles. before, hit, after: the text around the offence."""

    problem: str | None = None
    line: int = 0
    column: int = 0
    before: str = ""
    hit: str = ""
    after: str = ""
    reads: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A test as the page shows it; answer null where rule or case cannot be read yet."""

    form: CaseForm
    answer: Answer | None
    passed: bool


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule as the page shows it. check null: nothing written yet."""

    section: str
    place: int
    form: RuleForm
    check: Check | None
    tests: tuple[CaseRow, ...]

    @property
    def key(self) -> str:
        return f"{self.section}-{self.place}"

    @property
    def failing(self) -> int:
        """Tests that do not pass."""
        return sum(not test.passed for test in self.tests)

    @property
    def shows_tests(self) -> bool:
        """Whether the tests are worth opening: one does not pass, or is about to be written."""
        return any(not test.passed or "autofocus" in test.form.fields["name"].widget.attrs for test in self.tests)


def raw_from_document(document: Mapping[str, Any]) -> Raw:
    """The rules of a stored document as texts."""
    return {
        section: [
            RawRule(
                {name: str(rule.get(name) or "") for name in _RULE_FIELDS[section]},
                [_raw_test(test) for test in rule.get("tests", ())],
            )
            for rule in document.get(section, ())
        ]
        for section in SECTIONS
    }


def raw_from_post(post: QueryDict) -> Raw:
    """The rules a form sent, in its order; more than the limits allow are left out."""
    rules: dict[str, dict[int, RawRule]] = {section: {} for section in SECTIONS}
    for key in sorted(filter(_NAMED.fullmatch, post), key=_order):
        match = _NAMED.fullmatch(key)
        assert match is not None
        section, place = match[1], int(match[2])
        prefix = key.removesuffix("-name")
        if match[3] is None:
            rules[section][place] = RawRule({n: post.get(f"{prefix}-{n}", "") for n in _RULE_FIELDS[section]})
        elif place in rules[section]:
            rules[section][place].tests.append({n: post.get(f"{prefix}-{n}", "") for n in _TEST_FIELDS})
    return {section: list(found.values())[:MAX_RULES] for section, found in rules.items()}


def change(raw: Raw, what: str) -> str:
    """Apply one button (`verb:section[:place[:test]]`); returns the id to focus. Anything else changes nothing."""
    verb, section, place, test = ([*what.split(":"), "", "", ""])[:4]
    rows = raw.get(section)
    at = int(place) if place.isdecimal() and len(place) < 4 else -1
    if rows is None:
        return ""
    if verb == "add" and len(rows) < MAX_RULES:
        rows.append(RawRule({}))
        return f"id_{section}-{len(rows) - 1}-name"
    if not 0 <= at < len(rows):
        return ""
    return _change_one(rows, section, verb, at, test)


def _change_one(rows: list[RawRule], section: str, verb: str, at: int, test: str) -> str:
    to = {"up": at - 1, "down": at + 1}.get(verb, at)
    if verb in ("up", "down") and 0 <= to < len(rows):
        rows[at], rows[to] = rows[to], rows[at]
    elif verb == "delete":
        del rows[at]
        to = min(at, len(rows) - 1)
    elif verb == "addtest" and len(rows[at].tests) < MAX_TESTS:
        rows[at].tests.append({"expect": "true", "case": '{"context": {}}'})
        return f"id_{section}-{at}-tests-{len(rows[at].tests) - 1}-name"
    elif verb == "deltest" and test.isdecimal() and int(test) < len(rows[at].tests):
        del rows[at].tests[int(test)]
    return f"{section}-{to}"


def keep(raw: Raw, kept: str) -> str:
    """Add the test that a button carries as JSON ({section, place, name, case, expect}); returns the id to focus."""
    try:
        value = msgspec.json.decode(kept, type=_Kept)
    except (msgspec.DecodeError, RecursionError):
        return ""
    rows = raw.get(value.section, [])
    if not 0 <= value.place < len(rows) or len(rows[value.place].tests) >= MAX_TESTS:
        return ""
    rows[value.place].tests.append(_raw_test({"name": value.name, "case": value.case, "expect": value.expect}))
    return f"id_{value.section}-{value.place}-tests-{len(rows[value.place].tests) - 1}-name"


class _Kept(msgspec.Struct, frozen=True):
    section: str
    place: int
    name: str
    case: dict[str, Any]
    expect: bool


def rows_of(
    raw: Raw, section: str, *, tiers: tuple[tuple[str, str], ...], task: TaskSpec, bound: bool
) -> list[RuleRow]:
    """The section's rules as forms; `bound` ones are validated and tell what is missing."""
    return [_row(section, place, rule, tiers, task, bound) for place, rule in enumerate(raw[section])]


def _row(
    section: str, place: int, raw: RawRule, tiers: tuple[tuple[str, str], ...], task: TaskSpec, bound: bool
) -> RuleRow:
    prefix = f"{section}-{place}"
    given = _given(prefix, raw.values, bound)
    form = RoutingRuleForm(tiers=tiers, **given) if section == "rules" else RiskRuleForm(**given)
    source = raw.values.get("when", "")
    check, rule = check_source(source)
    attributes = {"data-complete": "reference", "aria-describedby": f"{prefix}-check"}
    if check is not None and check.problem:
        attributes["aria-invalid"] = "true"
    form.fields["when"].widget.attrs |= attributes
    tests = tuple(_case_row(f"{prefix}-tests-{n}", test, rule, task, bound) for n, test in enumerate(raw.tests))
    return RuleRow(section, place, form, check, tests)


def _case_row(prefix: str, raw: dict[str, str], rule: Rule | None, task: TaskSpec, bound: bool) -> CaseRow:
    form = CaseForm(**_given(prefix, raw, bound))
    reader = form if bound else CaseForm(**_given(prefix, raw, True))
    if rule is None or not reader.is_valid():
        return CaseRow(form, None, False)
    answer = ask_sample(rule, reader.cleaned_data["case"], task)
    return CaseRow(form, answer, answer.holds is (reader.cleaned_data["expect"] == "true"))


def _given(prefix: str, values: dict[str, str], bound: bool) -> dict[str, Any]:
    if not bound:
        return {"prefix": prefix, "initial": values}
    return {"prefix": prefix, "data": {f"{prefix}-{name}": value for name, value in values.items()}}


def check_source(source: str) -> tuple[Check | None, Rule | None]:
    """A condition looked at, and the rule where it compiles; nothing for an empty one."""
    if not source.strip():
        return None, None
    try:
        rule = compile_rule(source)
    except CelError as error:
        line, column = place_of(source, error.offset)
        end = re.compile(r"[\w.]+|\S?").match(source, error.offset)
        stop = end.end() if end else error.offset
        parts = source[: error.offset], source[error.offset : stop], source[stop:]
        return Check(said(error.detail), line, column, *parts), None
    return Check(reads=tuple(_described(path) for path in sorted(rule.paths))), rule


def _described(path: str) -> tuple[str, str]:
    found = FIELD_BY_PATH.get(path)
    return path, found.description if found else ""


def give_focus(rows: list[RuleRow], wanted: str) -> None:
    """The name field with this id gets the focus, where there is one."""
    for row in rows:
        for form in (row.form, *(test.form for test in row.tests)):
            if wanted == f"id_{form.prefix}-name":
                form.fields["name"].widget.attrs["autofocus"] = True


def document_of(sections: Mapping[str, list[RuleRow]], base: Mapping[str, Any]) -> dict[str, Any]:
    """The base document with these (valid) rules in place of its own."""
    return dict(base) | {section: [_rule_of(row) for row in rows] for section, rows in sections.items()}


def _rule_of(row: RuleRow) -> dict[str, Any]:
    values = {name: value for name, value in row.form.cleaned_data.items() if value != ""}
    values["tests"] = [
        {
            "name": test.form.cleaned_data["name"],
            "case": test.form.cleaned_data["case"],
            "expect": test.form.cleaned_data["expect"] == "true",
        }
        for test in row.tests
    ]
    return values


def is_valid(rows: list[RuleRow]) -> bool:
    """Whether every rule compiles and every form is complete."""
    return all(
        row.check is not None
        and row.check.problem is None
        and row.form.is_valid()
        and all(test.form.is_valid() for test in row.tests)
        for row in rows
    )


def _raw_test(test: Mapping[str, Any]) -> dict[str, str]:
    encoded = msgspec.json.encode(test["case"])
    case = msgspec.json.format(encoded, indent=0 if len(encoded) < 100 else 2).decode()
    return {"name": test["name"], "case": case, "expect": "true" if test["expect"] else "false"}


def _order(key: str) -> tuple[str, int, int]:
    match = _NAMED.fullmatch(key)
    assert match is not None
    return match[1], int(match[2]), -1 if match[3] is None else int(match[3])


def problems_by_place(error: DomainError, sections: Mapping[str, list[RuleRow]]) -> Iterator[str]:
    """Put each problem of a refused document beside its field; yields those that have none on this page."""
    for problem in error.errors:
        match = re.match(r"/document/(risk_rules|rules)/(\d+)/(\w+)$", problem.pointer)
        rows = sections.get(match[1], []) if match else []
        if match and int(match[2]) < len(rows) and match[3] in rows[int(match[2])].form.fields:
            rows[int(match[2])].form.add_error(match[3], problem.said)
        else:
            yield f"{problem.pointer.removeprefix('/document')}: {problem.said}"
    if not error.errors:
        yield error.said
