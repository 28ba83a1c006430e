"""What a reviewer sees of a case's input."""

import msgspec
import pytest
from django.template import engines
from hypothesis import given
from hypothesis import strategies as st

from reviews.evidence import Kind, Presentation, blocks, choice_keys, key_statements, parse_presentation
from reviews.evidence_values import Amount, Changes, Fields, Grid, Link, Picture, Table, Text
from reviews.json_tree import Json, Tree
from reviews.machine_marks import highlight, machine_marks

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
PNG = "data:image/png;base64,iVBORw0KGgo="


def rendered(case_input: Json, *presentation: Presentation, key: tuple[str, ...] = ()) -> str:
    template = engines["django"].get_template("evidence/_blocks.html")
    return template.render({"blocks": blocks(case_input, presentation, key)})


def shown_as(value: Json, kind: Kind) -> object:
    return blocks({"it": value}, [Presentation("/it", kind)])[0].content


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("a few words", Kind.TEXT),
        (3.5, Kind.NUMBER),
        ({"garage": "Kessler", "total": 4180}, Kind.KEY_VALUE),
        ([{"part": "bumper"}, {"part": "light"}], Kind.TABLE),
        ([[0, 16], [8, 0]], Kind.IMAGE),
        (PNG, Kind.IMAGE),
        ({"nested": {"deep": 1}}, Kind.JSON),
        ([], Kind.JSON),
        (None, Kind.JSON),
        (True, Kind.JSON),
    ],
)
def test_without_a_presentation_each_part_is_shown_by_its_type(value: Json, kind: Kind) -> None:
    shown = {block.pointer: block.kind for block in blocks({"it": value, "other": [1]})}
    assert shown["/it"] == kind


def test_a_flat_input_is_one_list_of_names_and_values() -> None:
    (block,) = blocks({"repair_total": 4180, "injury": None})
    assert isinstance(block.content, Fields)
    assert [(field.name, field.value.text) for field in block.content.shown] == [
        ("Repair total", "4180"),
        ("Injury", "–"),
    ]


def test_a_presentation_orders_names_and_chooses() -> None:
    presentation = parse_presentation(
        [{"pointer": "/b", "kind": "text", "title": "Letter"}, {"pointer": "/a/0", "kind": "number"}]
    )
    assert [(b.title, b.kind) for b in blocks({"a": [7], "b": "x"}, presentation)] == [
        ("Letter", "text"),
        ("0", "number"),
    ]


@pytest.mark.parametrize("stored", [[{"pointer": "/a", "kind": "hologram"}], [{"kind": "text"}], {"pointer": "/a"}])
def test_a_presentation_that_makes_no_sense_is_refused(stored: Json) -> None:
    with pytest.raises(msgspec.ValidationError):
        parse_presentation(stored)


@pytest.mark.parametrize("pointer", ["/gone", "/list/2", "/list/-", "/list/01", "/list/٠", "/text/0", "no-slash"])
def test_a_pointer_to_nothing_says_that_it_was_not_provided(pointer: str) -> None:
    presentation = Presentation(pointer, Kind.TEXT, "Letter")
    (block,) = blocks({"list": [1, 2], "text": "abc"}, [presentation])
    assert block.content is None
    assert "Not provided" in rendered({"list": [1, 2], "text": "abc"}, presentation)


def test_pointers_escape_slash_and_tilde() -> None:
    (block,) = blocks({"a/b": {"c~d": "found"}}, [Presentation("/a~1b/c~0d", Kind.TEXT)])
    assert block.content == Text(shown="found", rest="")


def test_a_value_that_does_not_fit_its_kind_is_shown_by_its_type() -> None:
    (block,) = blocks({"it": "words"}, [Presentation("/it", Kind.TABLE)])
    assert block.kind == Kind.TEXT


def test_key_evidence_comes_first_and_the_rest_is_folded() -> None:
    case_input: Json = {"letter": "x" * 300, "form": {"a": 1}}
    assert [block.pointer for block in blocks(case_input, (), ["/form"])] == ["/form", "/letter"]
    page = rendered(case_input, key=("/form",))
    assert page.index("<section") < page.index("<details")
    assert "<details" not in rendered(case_input)


def test_key_evidence_in_words_is_kept_apart_from_pointers() -> None:
    assert key_statements({"form": 1}, ["/form", "The dates differ"]) == ("The dates differ",)


def test_measurements_that_share_names_become_a_matrix() -> None:
    stems = ("radius", "texture", "area", "fractal dimension")
    case_input: Json = (
        {f"mean {s}": 1.5 for s in stems} | {f"{s} error": 2.5 for s in stems} | {f"worst {s}": 3.5 for s in stems}
    )
    (block,) = blocks(case_input)
    assert isinstance(block.content, Table)
    assert block.content.columns == (("Mean", True), ("Error", True), ("Worst", True))
    assert [row.head for row in block.content.shown] == ["Radius", "Texture", "Area", "Fractal dimension"]
    assert [cell.text for _, cell in block.content.shown[3].cells] == ["1.5", "2.5", "3.5"]


def test_an_incomplete_matrix_stays_a_list() -> None:
    case_input: Json = {f"{v} {s}": 1 for v in ("mean", "worst") for s in ("a", "b", "c", "d")} | {"age": 3}
    assert isinstance(blocks(case_input)[0].content, Fields)


def test_a_table_has_every_column_and_marks_those_with_numbers() -> None:
    content = shown_as([{"part": "bumper", "price": 410.5}, {"price": 120, "note": "left"}], Kind.TABLE)
    assert isinstance(content, Table)
    assert content.columns == (("Part", False), ("Price", True), ("Note", False))
    assert [cell.text for _, cell in content.shown[1].cells] == ["–", "120", "left"]


@pytest.mark.parametrize(("top", "ink"), [(1, "1.000"), (8, "0.500"), (16, "1.000"), (255, "1.000"), (1000, "1.000")])
def test_pixels_are_drawn_on_the_scale_their_values_suggest(top: int, ink: str) -> None:
    content = shown_as([[0, 0], [0, top]], Kind.IMAGE)
    assert isinstance(content, Grid)
    assert [(p.x, p.y, p.ink) for p in content.pixels] == [(1, 1, ink)]


def test_a_drawn_image_has_a_name_and_no_style() -> None:
    page = rendered({"pixels": [[0, 16], [8, 0]]}, Presentation("/pixels", Kind.IMAGE, "Digit"))
    assert 'aria-label="Digit, 2 by 2 pixels"' in page
    assert "style=" not in page


@pytest.mark.parametrize(
    "value",
    [[[1, 2], [3]], [[1, "2"], [3, 4]], [[-1, 2], [3, 4]], [[True, 1], [1, 1]], [[], []], [[10**400, 1], [1, 1]]],
)
def test_what_is_no_grid_of_ink_is_not_drawn(value: Json) -> None:
    assert not isinstance(shown_as(value, Kind.IMAGE), Grid)


def test_only_picture_data_becomes_an_image() -> None:
    for picture in (PNG, "data:image/jpeg;base64,/9j/4AAQSkZJRg==", "data:image/gif;base64,R0lGODlh"):
        assert isinstance(shown_as(picture, Kind.IMAGE), Picture)
    for address in ("data:image/svg+xml;base64,AAAA", PNG + '" onload="x', "data:image/png;base64,AAAA"):
        assert isinstance(shown_as(address, Kind.IMAGE), Text)


def test_an_image_elsewhere_is_named_not_loaded() -> None:
    page = rendered({"it": "https://photos.example.org/a.png"}, Presentation("/it", Kind.IMAGE, "Photo"))
    assert "<img" not in page
    assert "lies on photos.example.org and is not loaded" in page


def test_what_does_not_fit_its_kind_says_so_and_is_shown() -> None:
    page = rendered({"it": "words"}, Presentation("/it", Kind.TABLE))
    assert "does not read as “table”" in page
    assert "words" in page


def test_changes_mark_what_differs_between_two_parts() -> None:
    case_input: Json = {
        "form": {"date": "12", "garage": "K", "injury": "no"},
        "paper": {"date": "3", "garage": "K", "x": 1},
    }
    part = Presentation("/paper", Kind.CHANGES, "Papers", before="/form", names=("Form", "Paper"))
    content = blocks(case_input, [part])[0].content
    assert isinstance(content, Changes)
    assert [(row.name, row.kind, row.token) for row in content.rows] == [
        ("Date", "changed", "date"),
        ("Garage", "same", "garage"),
        ("Injury", "removed", "injury"),
        ("X", "added", "x"),
    ]
    assert "3 of 4 differ" in rendered(case_input, part)


@pytest.mark.parametrize(
    ("value", "token"),
    [({"before": {"a": 1}, "after": {"a": 2}}, "after/a"), ({"a": {"before": 1, "after": 2}}, "a/after")],
)
def test_changes_come_in_one_part_too(value: Json, token: str) -> None:
    content = shown_as(value, Kind.CHANGES)
    assert isinstance(content, Changes)
    assert [(row.kind, row.token) for row in content.rows] == [("changed", token)]


def test_a_tree_is_folded_and_cut_where_it_is_endless() -> None:
    tree = shown_as({"a": [1, {"b": None}]}, Kind.JSON)
    assert isinstance(tree, Tree)
    assert (tree.nodes, tree.cut, tree.root.children[0].text) == (5, False, "2")
    page = rendered({"it": list(range(1000))}, Presentation("/it", Kind.JSON))
    assert "601 more" in page


def test_a_number_has_its_unit_and_grouped_digits() -> None:
    assert shown_as({"value": 128400, "unit": "EUR"}, Kind.NUMBER) == Amount("128\u202f400", "EUR")


def test_links_name_their_host_and_videos_are_called_videos() -> None:
    page = rendered({"it": ["https://v.example.org/a.mp4", "https://p.example.org/b"]}, Presentation("/it", Kind.LINK))
    assert "Video on v.example.org" in page
    assert page.count('rel="noopener noreferrer"') == 2


def test_the_machines_marks_are_there_only_when_given() -> None:
    part = Presentation("/it", Kind.TEXT, "Post")
    marks = machine_marks({"spans": [{"start": 0, "end": 3, "pointer": "/input/it"}]})
    (block,) = blocks({"it": "pay now"}, [part], marks=marks)
    assert [s.text for s in block.segments if s.marked] == ["pay"]
    assert not blocks({"it": "pay now"}, [part])[0].marked


def test_regions_without_a_pointer_belong_to_the_first_image() -> None:
    marks = machine_marks({"regions": [{"x": 0.1, "y": 0.1, "w": 0.2, "h": 0.2}]})
    parts = [Presentation("/text", Kind.TEXT), Presentation("/photo", Kind.IMAGE)]
    found = blocks({"text": "x", "photo": PNG}, parts, marks=marks)
    assert [block.marked for block in found] == [False, True]


def test_a_pair_stands_side_by_side_before_the_rest() -> None:
    pair = [Presentation("/a", Kind.TEXT, "A", side=True), Presentation("/b", Kind.TEXT, "B", side=True)]
    found = blocks({"q": "why", "a": "x", "b": "y"}, pair=pair)
    assert [block.title for block in found] == ["A", "B", "Q"]


def test_only_web_addresses_become_links() -> None:
    assert shown_as({"url": "https://example.org/a", "title": "Photo"}, Kind.LINK) == Link(
        "https://example.org/a", "Photo", "example.org"
    )
    for address in ("javascript:alert(1)", "//example.org", "https://a b"):
        assert isinstance(shown_as(address, Kind.LINK), Text)


def test_long_values_are_cut_and_nothing_is_lost() -> None:
    content = shown_as("ab" * 3000, Kind.TEXT)
    assert isinstance(content, Text)
    assert content.rest and content.shown + content.rest == "ab" * 3000
    assert "Show all" in rendered({"it": "ab" * 3000})


def test_a_timeline_reads_times_where_there_are_some() -> None:
    page = rendered(
        {"steps": [{"at": "2026-11-03", "text": "Invoice issued"}, {"when": "later", "what": "Towed"}, "Closed"]},
        Presentation("/steps", Kind.TIMELINE),
    )
    assert '<time datetime="2026-11-03">' in page
    assert "later" in page and "Towed" in page and "Closed" in page


def test_a_timelines_text_cannot_pass_for_a_time() -> None:
    assert "<time" not in rendered({"s": [{"at": "soon", "text": "x"}]}, Presentation("/s", Kind.TIMELINE))


@pytest.mark.parametrize("kind", list(Kind))
def test_markup_in_evidence_is_shown_not_run(kind: Kind) -> None:
    evil = '<script>"x"</script>'
    value: Json = [{evil: evil, "at": evil}] if kind in (Kind.TABLE, Kind.TIMELINE) else {evil: evil}
    assert "<script" not in rendered({"it": value}, Presentation("/it", kind, evil))


@given(JSON, st.sampled_from(Kind))
def test_no_input_breaks_the_page(case_input: Json, kind: Kind) -> None:
    rendered(case_input)
    rendered(case_input, Presentation("", kind))


@given(st.text(), st.lists(st.tuples(st.integers(-5, 40), st.integers(-5, 40))))
def test_highlighting_keeps_every_character(text: str, spans: list[tuple[int, int]]) -> None:
    assert "".join(segment.text for segment in highlight(text, spans)) == text


def test_overlapping_spans_are_one_mark() -> None:
    segments = highlight("the tow truck was late", [(4, 9), (8, 13), (20, 99)])
    assert [segment.text for segment in segments if segment.marked] == ["tow truck", "te"]


def test_digits_are_chosen_by_themselves_and_others_by_their_place() -> None:
    assert choice_keys(["0", "1", "2"]) == ("0", "1", "2")
    assert choice_keys(["benign", "malignant"]) == ("1", "2")
    assert choice_keys([f"label-{n}" for n in range(11)])[8:] == ("9", "", "")
