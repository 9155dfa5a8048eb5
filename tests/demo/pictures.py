"""Pictures of the report of a synchronisation, for the documentation: a day of the demo.

    python3 tests/demo/pictures.py FOLDER

writes report.png and report-phone.png. The library is found as the package finds it; needs Chromium.
"""

import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "python")]

import edits  # noqa: E402
import servers  # noqa: E402
from browser import Browser  # noqa: E402
from demo import CENTRAL, NAMES, Demo, installation  # noqa: E402

# Who edits where.
PEOPLE = {"central": "office", "tablet": "anna", "laptop": "marc"}

# What the demo does not show: two people enter the same code. And a value that a rule of the office refuses.
MORE = [
    ("central", "a continent", "INSERT INTO gis.continents VALUES ('Zealandia')"),
    ("central", "a rule", "ALTER TABLE gis.observations ADD CONSTRAINT kind_is_known CHECK (kind <> 'unknown')"),
    (
        "tablet",
        "an observation against the rule",
        "INSERT INTO gis.observations (country, kind, remark, geom) VALUES"
        " ('FRA', 'unknown', 'stone with an inscription', 'SRID=4326;POINT(-1.6 48.6)')",
    ),
    ("tablet", "Spain", "UPDATE gis.cities SET visited = '2026-06-02' WHERE country IN ('ESP', 'PRT', 'MAR')"),
    ("central", "Norway", "UPDATE gis.cities SET visited = '2026-06-03' WHERE country IN ('NOR', 'SWE', 'FIN', 'DNK')"),
]


def as_people(work):
    """The same edits, each by whoever works on that database."""
    for name, what, sql in work:
        yield name, what, f"SET SESSION AUTHORIZATION {PEOPLE[name]}; {sql}"


def play(demo, file):
    """The demo until the first evening; writes the report of the tablet's synchronisation."""
    demo.start()
    installation(demo)
    for name in NAMES:
        demo.psql(name, f"CREATE ROLE {PEOPLE[name]} SUPERUSER LOGIN")
    demo.edit(as_people([*edits.FIRST_DAY, *MORE]))
    demo.run("synchronize_database", CONNECTION_NAME_CENTRAL=CENTRAL, CONNECTION_NAME_CLONE="laptop")
    demo.run("synchronize_database", CONNECTION_NAME_CENTRAL=CENTRAL, CONNECTION_NAME_CLONE="tablet", REPORT=file)


def main(folder):
    servers.stop_on_signals()
    demo = Demo(servers.scratch())
    try:
        file = demo.directory / "report.html"
        play(demo, file)
        with Browser() as browser:
            browser.open(file, 1100)
            browser.picture(folder / "report.png", height=1660)
            browser.open(file, 390, 844)
            browser.picture(folder / "report-phone.png", height=1500)
    finally:
        for server in demo.running.values():
            server.stop("immediate")
        shutil.rmtree(demo.directory, ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]).resolve())
