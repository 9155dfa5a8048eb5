"""The HTML report of a synchronisation, in a browser."""

import contextlib
import json

import pytest
from browser import Browser
from databases import temporary, variable

SCRIPT = "<script>document.title = 'taken over'</script>"
HOSTILE = (
    f"{SCRIPT}<img src=https://evil.example/x.png onerror=\"document.title = 'taken over'\">"
    "</style></title></svg><iframe src=//evil.example></iframe>&amp;'\" \u202egnitset\u202c " + "w" * 600
)
TABLE = '"a ""b"" <i>&"."' + "<script>x</script>" + "y" * 40 + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The report of a run with something of everything, under hostile names."""
    from lizsync import run

    folder = tmp_path_factory.mktemp("report")
    with contextlib.ExitStack() as stack:
        central, clone = (stack.enter_context(temporary("report")) for _ in range(2))
        central.query(f"""
            CREATE EXTENSION postgis;
            CREATE SCHEMA "a ""b"" <i>&";
            CREATE TABLE {TABLE} (id serial PRIMARY KEY, name text, code text UNIQUE, note text,
                geom geometry(Point, 2154));
            INSERT INTO {TABLE} (name, code, geom)
            SELECT {literal(HOSTILE)} || n, n, ST_SetSRID(ST_MakePoint(652000 + n, 6861000), 2154)
            FROM generate_series(1, 20) AS n""")
        both = {"CONNECTION_NAME_CENTRAL": central.conninfo, "CONNECTION_NAME_CLONE": clone.conninfo}
        one = {"CONNECTION_NAME_CENTRAL": central.conninfo}
        binaries = {"POSTGRESQL_BINARY_PATH": variable("LIZSYNC_TEST_BIN"), "ZIP_FILE": str(folder / "package.zip")}
        run("create_database_structure", {"CONNECTION_NAME": central.conninfo})
        run("initialize_central_database", one)
        run("package_master_database", {**one, **binaries, "SCHEMAS": '"a ""b"" <i>&"'})
        run("deploy_database_server_package", {**both, **binaries})
        central.query(f"""
            UPDATE {TABLE} SET note = {literal(HOSTILE)} WHERE code = '1';
            UPDATE {TABLE} SET note = 'deleted elsewhere' WHERE code = '2';
            DELETE FROM {TABLE} WHERE code = '3';
            INSERT INTO {TABLE} (name, code) VALUES ({literal(HOSTILE)}, {literal(HOSTILE)})""")
        clone.query(f"""
            UPDATE {TABLE} SET note = {literal(HOSTILE)} || '!' WHERE code = '1';
            DELETE FROM {TABLE} WHERE code = '2';
            UPDATE {TABLE} SET geom = ST_Translate(geom, 5, 5) WHERE code IN ('3', '4', '5');
            INSERT INTO {TABLE} (name, code) VALUES ({literal(HOSTILE)}, {literal(HOSTILE)})""")
        outputs = run("synchronize_database", {**both, "REPORT": str(folder / "report.html")})
        assert outputs["REPORT"] == str(folder / "report.html")
        assert (outputs["CONFLICTS"], outputs["SET_ASIDE"]) == (3, 2), outputs
    return folder / "report.html"


@pytest.fixture(scope="module")
def browser():
    with Browser() as running:
        yield running


@pytest.mark.parametrize("width", [1280, 390, 320])
@pytest.mark.parametrize("dark", [False, True])
def test_it_can_be_read_on_every_screen(page, browser, width, dark):
    browser.open(page, width, dark=dark)
    assert browser.value("document.documentElement.scrollWidth") <= width
    # Nothing sticks out of what it stands in, either.
    wide = browser.value(f"""[...document.querySelectorAll('body *:not(svg *)')]
        .filter(e => e.getBoundingClientRect().right > {width} + 0.5 || e.getBoundingClientRect().left < -0.5)
        .map(e => e.tagName + '.' + e.className)""")
    assert wide == []
    # The style sheet counts: the policy lets it through.
    assert browser.value("getComputedStyle(document.querySelector('.tiles')).display") == "flex"
    ink = json.loads(browser.value("JSON.stringify(getComputedStyle(document.body).color.match(/\\d+/g).map(Number))"))
    assert (sum(ink) > 380) == dark


@pytest.mark.parametrize("width", [1280, 390])
def test_it_asks_for_nothing_and_says_nothing(page, browser, width):
    browser.open(page, width)
    assert browser.requests() == [page.as_uri()]
    assert browser.console() == []


def test_hostile_names_and_values_are_text(page, browser):
    browser.open(page, 1280)
    assert browser.value("document.title").startswith("Synchronisation report")
    assert browser.value("document.querySelectorAll('script, img, iframe, i, link, object, embed').length") == 0
    text = browser.value("document.body.innerText")
    assert SCRIPT in text
    assert "⟨U+202E⟩gnitset" in text
    assert 'a "b" <i>&.<script>x</script>' in text
    # Everything is in the one page: nothing of a value has closed an element.
    assert browser.value("document.querySelectorAll('main').length") == 1
    assert browser.value("document.body.lastElementChild.tagName") == "FOOTER"
    assert browser.value("document.querySelectorAll('article').length") == 5


def test_no_script_could_run(page, browser, tmp_path):
    # Even if one got in.
    broken = tmp_path / "broken.html"
    text = page.read_text(encoding="utf-8")
    broken.write_text(text.replace("</main>", f"{SCRIPT}<img src='data:,' onerror='document.title=1'></main>"))
    browser.open(broken, 1280)
    assert browser.value("document.title").startswith("Synchronisation report")
    assert any("Content Security Policy" in json.dumps(entry) for entry in browser.console())


def test_on_paper(page, browser):
    browser.open(page, 800, dark=True, paper=True)
    assert browser.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.value("document.documentElement.scrollWidth") <= 800
