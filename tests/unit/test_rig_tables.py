"""Tables of a unit's configuration: laid over one another, and written as TOML that reads back the same."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asvrig.targets.tables import merged, toml_text
from asvunit.errors import UsageError

SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(1 << 60), 1 << 60),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
LISTED = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=3), st.lists(st.dictionaries(KEYS, SCALARS, max_size=2), max_size=2)
)
TABLES = st.recursive(
    st.dictionaries(KEYS, LISTED, max_size=3), lambda inner: st.dictionaries(KEYS, st.one_of(LISTED, inner), max_size=3)
)


@settings(deadline=None, max_examples=60)
@given(TABLES)
def test_what_is_written_reads_back(tables):
    assert tomllib.loads(toml_text(tables)) == tables


def test_times_and_paths_are_written_too():
    start = datetime(2026, 4, 1, 1, tzinfo=UTC)
    told = tomllib.loads(toml_text({"start": start, "map": Path("/tmp/a map.toml")}))
    assert told == {"start": start, "map": "/tmp/a map.toml"}


def test_a_value_that_toml_has_no_word_for_is_refused_by_its_key():
    with pytest.raises(UsageError, match=r"^hmi\.record: None cannot be written as TOML"):
        toml_text({"hmi": {"record": None}})
    with pytest.raises(UsageError, match=r"^can\.options: b'x'"):
        toml_text({"can": {"options": [b"x"]}})


def test_tables_go_over_tables_key_by_key_and_none_takes_away():
    below = {"gnss": {"port": "/dev/a", "baud": 9600}, "can": {"interface": "slcan"}, "seed": 1}
    above = {"gnss": {"baud": 115200}, "can": None, "hmi": {"switches": None, "volume_percent": 50}, "seed": 7}
    assert merged(below, above) == {
        "gnss": {"port": "/dev/a", "baud": 115200},
        "hmi": {"volume_percent": 50},
        "seed": 7,
    }
    assert below["gnss"]["baud"] == 9600
