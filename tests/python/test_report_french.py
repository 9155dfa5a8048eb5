"""The report of a run in French, read from top to bottom beside the English one."""

import contextlib
import json
import re

import pytest
from browser import Browser
from databases import temporary, variable

# Every text of the page, also of the map, and what is read aloud.
TEXTS = """JSON.stringify((() => {
    const found = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) found.push(walker.currentNode.data.trim());
    for (const each of document.querySelectorAll('[title], [aria-label], [alt]'))
        for (const name of ['title', 'aria-label', 'alt'])
            if (each.hasAttribute(name)) found.push(each.getAttribute(name).trim());
    return found.filter(text => text);
})())"""

# What is the same in both: names and values of the database, numbers and times, words of the two languages alike.
DATA = re.compile(
    r"""gis\.\w+ | tree | oak | elm | ash | lost | X | [AB]1 | null | name | code | plot | height | geom | postgres
    | (LizSync|PostgreSQL)\ [\d.]+.* | (POINT\ .*)?EPSG:\d+.* | POINT\ .* | [\d\s.,:=+()UTC–-]+ | \d+\ (k?m|s) | .{0,2}
    | lizsync\.\w+ | [0-9a-f-]{36} | table | Table | Clone""",
    re.X,
)


def page(folder, language):
    """A run with changes, a conflict, and changes that are set aside; its report."""
    from lizsync import run

    with contextlib.ExitStack() as stack:
        central, clone = (stack.enter_context(temporary("report")) for _ in range(2))
        central.query("""
            CREATE EXTENSION postgis;
            CREATE SCHEMA gis;
            CREATE TABLE gis.plots (code text PRIMARY KEY);
            INSERT INTO gis.plots VALUES ('A1'), ('B1');
            CREATE TABLE gis.trees (id serial PRIMARY KEY, name text, code text UNIQUE,
                height integer CHECK (height < 100), plot text REFERENCES gis.plots, geom geometry(Point, 2154));
            INSERT INTO gis.trees (name, code, plot, geom)
            SELECT 'tree', n, 'A1', ST_SetSRID(ST_MakePoint(652000 + n, 6861000), 2154)
            FROM generate_series(1, 20) AS n""")
        both = {"CONNECTION_NAME_CENTRAL": central.conninfo, "CONNECTION_NAME_CLONE": clone.conninfo}
        one = {"CONNECTION_NAME_CENTRAL": central.conninfo}
        binaries = {"POSTGRESQL_BINARY_PATH": variable("LIZSYNC_TEST_BIN"), "ZIP_FILE": str(folder / "package.zip")}
        run("create_database_structure", {"CONNECTION_NAME": central.conninfo})
        run("initialize_central_database", {**one, "SCHEMAS": "gis"})
        run("package_master_database", {**one, **binaries, "SCHEMAS": "gis"})
        run("deploy_database_server_package", {**both, **binaries})
        central.query("""
            ALTER TABLE gis.trees ADD CONSTRAINT low CHECK (height < 50);
            UPDATE gis.trees SET name = 'lost' WHERE code IN ('1', '4');
            DELETE FROM gis.trees WHERE code IN ('3', '5');
            UPDATE gis.trees SET name = 'oak' WHERE code = '2';
            DELETE FROM gis.plots WHERE code = 'B1';
            INSERT INTO gis.trees (name, code) VALUES ('ash', 'X')""")
        clone.query("""
            UPDATE gis.trees SET name = 'elm' WHERE code = '1';
            DELETE FROM gis.trees WHERE code IN ('2', '6');
            UPDATE gis.trees SET geom = ST_Translate(geom, 5, 5) WHERE code IN ('3', '4');
            UPDATE gis.trees SET height = 60 WHERE code = '7';
            UPDATE gis.trees SET plot = 'B1' WHERE code = '8';
            INSERT INTO gis.trees (name, code) VALUES ('elm', 'X')""")
        file = folder / f"report{language}.html"
        outputs = run("synchronize_database", {**both, "REPORT": str(file), "language": language})
        assert outputs["CONFLICTS"] > 0 and outputs["SET_ASIDE"] > 0, outputs
    return file


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """All texts of both pages."""
    with Browser() as browser:
        found = {}
        for language in ("", "fr"):
            browser.open(page(tmp_path_factory.mktemp("report"), language), 1280)
            found[language] = json.loads(browser.value(TEXTS))
            found[language].insert(0, browser.value("document.documentElement.lang"))
    return found


def test_every_sentence_is_french(texts):
    assert (texts[""][0], texts["fr"][0]) == ("en", "fr")
    same = [text for text in texts["fr"] if text in texts[""] and not DATA.fullmatch(text)]
    assert not same, "\n".join(same)
    assert len(texts["fr"]) == len(texts[""]) > 100


def test_no_english_word_is_among_them(texts):
    words = re.compile(r"\b(the|and|of|was|were|is|has|have|in|with|row|rows|change|changed|central database|new|by)\b")
    # What PostgreSQL says of a row that it refuses is in the language of the server.
    said = [text for text in texts["fr"] if words.search(text) and "violates check constraint" not in text]
    assert said == []
    assert sum(bool(words.search(text)) for text in texts[""]) > 20
