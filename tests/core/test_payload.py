"""The published JSON forms: canonical, and back again without loss."""

import json
from datetime import datetime, time

from hypothesis import given
from hypothesis import strategies as st

from funnel.model import SIDES, Broadcast, Context, MergeSpot, Segment, Series, Step, Variant, Wait, WaitUnit, Window
from funnel.payload import (
    as_series,
    broadcast_json,
    canonical,
    digest_of,
    email_json,
    launch_from,
    letter_from,
    merged_json,
    series_from,
    series_json,
)

words = st.text(max_size=12)
variants = st.sampled_from(SIDES)
moments = st.none() | st.datetimes(min_value=datetime.fromisoformat("2020-01-01"))
windows = st.builds(
    Window,
    st.frozensets(st.integers(1, 7), min_size=1),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.just(time(10)),
)
steps = st.builds(
    Step,
    id=words,
    email=words,
    wait=st.builds(Wait, st.integers(0, 3650), st.sampled_from(WaitUnit)),
    only=st.frozensets(variants),
    only_if=words,
    unless=words,
    exercise=st.none() | st.integers(1, 9),
)
series = st.builds(
    Series,
    slug=words,
    name=words,
    code=words,
    steps=st.lists(steps, max_size=4).map(tuple),
    nickname=st.dictionaries(variants, words),
    entry=words,
    variant_by=st.sampled_from(["side", "none"]),
    goals=st.dictionaries(words, st.frozensets(words)),
    window=st.none() | windows,
    start_at=moments,
)


@given(series)
def test_a_series_comes_back_as_it_was(one: Series) -> None:
    assert series_from(one.slug, series_json(one)) == one


@given(series)
def test_a_series_has_one_form_only(one: Series) -> None:
    assert series_json(series_from(one.slug, series_json(one))) == series_json(one)


def test_moving_a_step_to_another_line_changes_nothing(example) -> None:
    one = example.series["si-joint"]
    assert series_from(one.slug, series_json(one)) != one  # the places are left out ...
    assert series_json(series_from(one.slug, series_json(one))) == series_json(one)  # ... and nothing else


@given(moments, st.booleans(), words, st.dictionaries(words, words))
def test_a_broadcast_is_a_series_of_one_step_with_a_moment_and_its_people(send_at, local, timezone, where) -> None:
    one = Broadcast("news", "News", "k3w6tz", "newsletter", "everyone", send_at, local, timezone)
    payload = broadcast_json(one, Segment("everyone", where), "America/New_York")
    launch = launch_from(payload)
    assert (launch.where, launch.send_at, launch.local) == (where, send_at, local)
    assert launch.timezone == (timezone or "America/New_York")
    assert series_from("news", payload) == as_series(one)


def test_every_compiled_mail_comes_back_as_it_was(mails) -> None:
    for one in mails.values():
        payload = email_json(one, unapproved=True)
        letter = letter_from(one.slug, one.variant, payload)
        again = letter.rendered
        assert (again.subject, again.preheader, again.html, again.text) == (
            one.subject,
            one.preheader,
            one.html,
            one.text,
        )
        assert (again.slug, again.variant, again.digest, again.clinical) == (
            one.slug,
            one.variant,
            one.digest,
            one.clinical,
        )
        assert (again.exercise, again.delivers, again.attachment) == (one.exercise, one.delivers, one.attachment)
        assert [missing.what for missing in again.missing] == [missing.what for missing in one.missing]
        assert email_json(again, unapproved=letter.unapproved) == payload


def test_a_mail_is_kept_here_while_anything_is_missing_or_unsigned(mails) -> None:
    one = mails["welcome/left"]
    assert one.missing
    assert letter_from("welcome", "left", email_json(one, unapproved=False)).is_blocked


spots = st.builds(MergeSpot, words, st.sampled_from(Context), st.none() | words)


@given(st.lists(words | spots))
def test_a_merged_piece_is_written_as_text_and_triples(pieces) -> None:
    written = json.loads(canonical(merged_json(tuple(pieces))))
    assert [piece if isinstance(piece, str) else piece[0] for piece in written] == [
        piece if isinstance(piece, str) else piece.field for piece in pieces
    ]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_the_canonical_form_keeps_the_meaning_and_forgets_the_order(value) -> None:
    written = canonical(value)
    assert json.loads(written) == value
    assert canonical(json.loads(written)) == written
    assert ": " not in canonical({"a": 1})


@given(st.text())
def test_a_digest_is_short_and_the_same_each_time(text: str) -> None:
    assert digest_of(text) == digest_of(text)
    assert len(digest_of(text)) == 32


def test_the_variant_of_a_letter_is_read(mails) -> None:
    payload = email_json(mails["welcome/not_sure"], unapproved=False)
    assert letter_from("welcome", "not_sure", payload).rendered.variant is Variant.NOT_SURE
