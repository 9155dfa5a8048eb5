"""Reading and writing of connection strings."""

import pytest


@pytest.fixture
def conninfo(qgis):
    from lizsync.plugin import conninfo

    return conninfo


PAIRS = {"host": "h", "dbname": "d b", "user": "it's", "password": "a\\b 'c'", "options": "-c x=y\\ z"}


def test_what_is_written_is_read_again(conninfo):
    assert conninfo.parse(conninfo.join(PAIRS)) == PAIRS


def test_the_text_of_a_source_is_read_up_to_its_table(conninfo):
    text = "dbname='d' host=h port=5 user='u\\'x' sslmode=verify-full authcfg=abc1234 key='id'"
    pairs = conninfo.parse(text + ' table="s"."t" (geom) sql=a=1')
    assert pairs["user"] == "u'x" and pairs["authcfg"] == "abc1234" and "a" not in pairs and "table" not in pairs
    assert conninfo.join(pairs) == "dbname='d' host='h' port='5' user='u\\'x' sslmode='verify-full'"


def test_what_is_not_in_the_interface_of_qgis_is_kept(conninfo):
    text = "host=h hostaddr=127.0.0.1 options='-c a=b' connect_timeout=3 sslrootcert='/a b/root.crt'"
    assert conninfo.parse(conninfo.join(conninfo.parse(text))) == conninfo.parse(text)
    assert len(conninfo.parse(text)) == 5


def test_empty_values_are_left_out(conninfo):
    assert conninfo.join(conninfo.parse("host='' port='' dbname=d")) == "dbname='d'"


@pytest.mark.parametrize(
    "text, is_one",
    [("host=a", True), ("postgresql://u:p@h/d", True), (" user = x", True), ("central", False), ("a b", False)],
)
def test_connection_strings_are_told_from_names(conninfo, text, is_one):
    assert conninfo.is_string(text) is is_one


def test_a_role_is_quoted_for_options(conninfo):
    assert conninfo.with_role("", "a") == "-c role=a"
    assert conninfo.with_role("-c x=y", "a b\\c") == "-c x=y -c role=a\\ b\\\\c"
