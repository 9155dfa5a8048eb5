"""The week of docs/user-guide.md: its commands and statements, run as they stand there by those who would."""

import contextlib
import re
import shlex

import pytest
from databases import Database, temporary, variable
from guides import ROOT, Terminal, blocks

PEOPLE = ("office", "anna", "ben")


def grants(heading, database):
    """What roles.md grants for a task."""
    text = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")
    sql = text.split(f"\n## {heading}\n")[1].split("```sql\n")[1].split("```")[0]
    return sql.replace("DATABASE central", f'DATABASE "{database.name}"')


class Week:
    """The three databases, and what each person has in the home directory."""

    def __init__(self, folder, central, tablet, laptop):
        self.folder, self.central = folder, central
        self.devices = {"tablet": tablet, "laptop": laptop}
        self.owners = {"tablet": "anna", "laptop": "ben"}

    def execute(self, who, block):
        """Runs a command of the guide as somebody; returns what it says."""
        arguments = shlex.split(block.replace("\\\n", " ").replace("/usr/bin/", variable("LIZSYNC_TEST_BIN")))
        assert arguments[:4] == ["python3", "-m", "lizsync", "run"], block
        terminal = Terminal(self.folder, who, {"central": self.central, **self.devices})
        done = terminal.run(*arguments[4:])
        assert done.returncode == 0, f"{block}\n{done.stdout}"
        return done.stdout

    def commands(self, who, block):
        """The commands of a block, one after the other."""
        return [self.execute(who, line) for line in re.split(r"\n(?=python3)", block.strip())]


@pytest.fixture(scope="module")
def week(tmp_path_factory):
    admin = Database("postgres")
    with contextlib.ExitStack() as stack:
        admin.query(f"CREATE ROLE office LOGIN PASSWORD '{variable('LIZSYNC_TEST_PASSWORD')}'")
        stack.callback(admin.query, f"DROP ROLE IF EXISTS {', '.join(PEOPLE)}, surveyor")
        made = [stack.enter_context(temporary("guide")) for _ in range(3)]
        central = made[0]
        admin.query(f'ALTER DATABASE "{central.name}" OWNER TO office')
        for database in made:
            database.query("CREATE EXTENSION postgis")
        central.query("""
            SET ROLE office;
            CREATE SCHEMA gis;
            CREATE TABLE gis.trees (id serial PRIMARY KEY, name text, height integer, geom geometry(Point, 2154));
            INSERT INTO gis.trees (name) SELECT 'tree ' || n FROM generate_series(1, 9) AS n""")
        yield Week(tmp_path_factory.mktemp("week"), *made)


def test_the_week(week):
    shown = blocks("user-guide.md")
    assert [language for language, _ in shown] == ["", "sql", "", "", "sql", "sql"]
    prepare, roles, deploy, synchronise, conflicts, aside = (block for _, block in shown)

    # Monday.
    week.commands("office", prepare)
    week.central.query(roles)
    for name in PEOPLE[1:]:
        week.central.query(f"ALTER ROLE {name} PASSWORD '{variable('LIZSYNC_TEST_PASSWORD')}'")
    for task in ("Synchronising", "Deploying"):
        week.central.query("SET ROLE office;" + grants(task, week.central))

    # Tuesday.
    for device, database in week.devices.items():
        Database("postgres").query(f'ALTER DATABASE "{database.name}" OWNER TO {week.owners[device]}')
        week.commands(week.owners[device], deploy.replace("tablet", device))

    # Wednesday: two rows as two people see them, and one that both change.
    tablet, laptop = week.devices["tablet"], week.devices["laptop"]
    tablet.query("UPDATE gis.trees SET height = 7 WHERE id = 1; UPDATE gis.trees SET name = 'oak' WHERE id = 2")
    week.central.query("UPDATE gis.trees SET name = 'the office''s' WHERE id = 1")
    laptop.query("UPDATE gis.trees SET name = 'elm' WHERE id = 2; INSERT INTO gis.trees (name) VALUES ('ash')")
    week.central.query("INSERT INTO gis.trees (name) VALUES ('yew')")

    # Thursday, and what Anna sent reaches Ben with his next run.
    for device in ("tablet", "laptop", "tablet", "laptop"):
        said = week.commands(week.owners[device], synchronise.replace("tablet", device))
        assert "Synchronised" in said[0] or "Nothing to synchronise" in said[0]
    rows = [
        each.query("SELECT uid, name, height FROM gis.trees ORDER BY uid") for each in (week.central, tablet, laptop)
    ]
    assert rows[0] == rows[1] == rows[2]
    assert "the office's|7" in rows[0] and "ash" in rows[0] and "yew" in rows[0]

    # Friday.
    assert "|name|oak|elm|" in week.central.query("SET ROLE office;" + conflicts)
    # The two new trees got the same number from their databases, which is settled without anybody.
    assert week.central.query("SET ROLE office;" + aside) == ""
