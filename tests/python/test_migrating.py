"""docs/migrating.md shows what its steps print."""

import migrating
import pytest
from guides import blocks


@pytest.fixture(scope="module")
def said():
    with migrating.databases() as made:
        yield migrating.transcript(made), made


def shown():
    """The blocks of the guide, a list of lines for each command in them."""
    commands = []
    for language, block in blocks("migrating.md"):
        # Those with a language are statements.
        for line in [] if language else block.splitlines():
            if line.startswith("$ "):
                commands.append([line])
            else:
                commands[-1].append(line)
    return commands


def test_the_guide_shows_what_its_steps_print(said):
    printed = list(said[0].values())
    for command in shown():
        # The first that has all of it: some commands are run twice.
        assert any(holds(text.splitlines(), command) for text in printed), "\n".join(command)


def holds(printed, wanted):
    """Whether these lines stand there one after the other, with others where there is a “…”."""
    place, skip = 0, False
    for line in wanted:
        if line == "…":
            skip = True
        elif skip:
            while place < len(printed) and printed[place] != line:
                place += 1
            skip = False
        if line != "…":
            if place >= len(printed) or printed[place] != line:
                return False
            place += 1
    return skip or place == len(printed)


def test_all_three_hold_the_same_afterwards(said):
    content = "SELECT uid, name, height FROM gis.tree ORDER BY uid"
    rows = {name: database.query(content) for name, database in said[1].items()}
    assert rows["central"] == rows["tablet"] == rows["laptop"]
    assert "oak" not in rows["central"]
    assert "elm" in rows["central"]
