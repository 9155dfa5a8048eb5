"""Projects that are fetched read the clone."""

import os
import zipfile

import ftp
import lizsync
import pytest
from test_ftp import counts, get, places, send  # noqa: F401

CENTRAL = "host=db.example.org port=5433 dbname=central user=anna password=sesame"
PROJECT = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis projectname="dbname=central" version="3.22.16">
  <title>host=db.example.org dbname=central</title>
  <projectlayers>
    <maplayer type="vector">
      <id>trees_1</id>
      <datasource>dbname='central' host={host} port=5433 user='anna' password='sesame' key='id' \
table="gis"."trees" (geom)</datasource>
      <provider encoding="">postgres</provider>
    </maplayer>
  </projectlayers>
</qgis>
"""


def fetch(server, here, feedback=None, **changes):
    changes = {"REPLACE_DATASOURCE_IN_QGIS_PROJECT": True, **changes}
    return get(server, here, feedback, CONNECTION_NAME_CENTRAL=CENTRAL, **changes)


def test_projects_read_the_clone_and_are_fetched_once(places):  # noqa: F811
    root, here = places
    central, other = PROJECT.format(host="db.example.org"), PROJECT.format(host="elsewhere")
    ftp.write(root / "projects", {"a.qgs": central, "left_.qgs": central, "other.qgs": other, "broken.qgs": "<qgis>"})
    packed = root / "projects" / "b.qgz"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("b.qgs", central)
        archive.writestr("b.qgd", b"\x00\x01")
    os.utime(packed, (1_700_000_000, 1_700_000_000))
    with ftp.Server(root) as server:
        heard = ftp.Messages()
        outputs = fetch(server, here, heard)
        assert counts(outputs) == [5, 0, 0]
        assert (outputs["PROJECTS_ADAPTED"], outputs["SOURCES_REPLACED"]) == (2, 2)
        assert any("broken.qgs" in text for text in heard.of("warning"))
        assert outputs["PROJECTS_FAILED"] == 1 and "broken.qgs" in outputs["OUTPUT_STRING"]
        adapted = (here / "a.qgs").read_text()
        assert "host=localhost" in adapted and "dbname='geopoppy'" in adapted and "sesame" not in adapted
        assert "<title>host=db.example.org dbname=central</title>" in adapted
        with zipfile.ZipFile(here / "b.qgz") as archive:
            assert archive.read("b.qgs").decode() == adapted and archive.read("b.qgd") == b"\x00\x01"
        assert (here / "left_.qgs").read_text() == central and (here / "other.qgs").read_text() == other
        again = fetch(server, here)
        assert counts(again) == [0, 5, 0] and again["PROJECTS_ADAPTED"] == 0
        # Somebody works with it here; a newer one at the central is fetched all the same.
        ftp.write(root / "projects", {"a.qgs": central.replace("trees_1", "trees_2")}, at=1_700_001_000)
        assert counts(fetch(server, here)) == [1, 4, 0]
        assert "trees_2" in (here / "a.qgs").read_text() and "sesame" not in (here / "a.qgs").read_text()
        assert "trees_2" in (here / "a.qgs.bak").read_text()
        # One that needs no adapting any more.
        ftp.write(root / "projects", {"a.qgs": other}, at=1_700_002_000)
        assert counts(fetch(server, here)) == [1, 4, 0]
        assert counts(fetch(server, here)) == [0, 5, 0]
        assert not [path for path in ftp.tree(here) if "edited" in path]


def test_a_project_that_was_edited_here_is_kept(places):  # noqa: F811
    root, here = places
    central = PROJECT.format(host="db.example.org")
    other = PROJECT.format(host="elsewhere")
    ftp.write(root / "projects", {"a.qgs": central, "b.qgs": other, "same.qgs": other})
    with ftp.Server(root) as server:
        fetch(server, here)
        edited = (here / "a.qgs").read_text().replace("trees_1", "mine")
        (here / "a.qgs").write_text(edited)
        ftp.write(here, {"b.qgs": other + "<!-- mine -->"}, at=1_700_000_500)
        newer = {"a.qgs": central + "<!-- 2 -->", "b.qgs": other + "<!-- 2 -->", "same.qgs": other + "<!-- 2 -->"}
        ftp.write(root / "projects", newer, at=1_700_000_600)
        heard = ftp.Messages()
        fetch(server, here, heard)
        assert (here / "a (edited here).qgs").read_text() == edited
        # It has the time of an edit, and the server's is newer: that it was edited is not known.
        assert sorted(path for path in ftp.tree(here) if "edited" in path) == ["a (edited here).qgs"]
        assert any("a (edited here).qgs" in text for text in heard.of("warning"))
        assert "<!-- 2 -->" in (here / "a.qgs").read_text()
        (here / "a.qgs").write_text(edited)
        ftp.write(here, {"b.qgs": other + "<!-- mine -->"}, at=1_700_000_900)
        ftp.write(root / "projects", {"a.qgs": central, "b.qgs": other}, at=1_700_000_700)
        fetch(server, here)
        kept = [path for path in ftp.tree(here) if "edited" in path]
        assert kept == ["a (edited here 2).qgs", "a (edited here).qgs", "b (edited here).qgs"]


def test_others_never_read_the_login_of_the_central(places):  # noqa: F811
    root, here = places
    project = PROJECT.format(host="db.example.org") + f"<!-- {'x' * 3_000_000} -->"
    ftp.write(root / "projects", {"a.qgs": project, "broken.qgs": PROJECT.format(host="db.example.org") + "<"})

    def readable():
        files = [path for path in here.rglob("*") if path.is_file() and b"sesame" in path.read_bytes()]
        return [path.name for path in files if path.stat().st_mode & 0o077]

    # Each try brings a part of it.
    cut = [None, *[200_000] * 40]
    with ftp.Server(root, cut=cut) as server, pytest.raises(lizsync.LizsyncError, match="could not be transferred"):
        fetch(server, here)
    assert [path for path in ftp.tree(here) if path.startswith(".lizsync-")] and readable() == []
    with ftp.Server(root) as server:
        outputs = fetch(server, here)
        assert outputs["PROJECTS_FAILED"] == 1 and readable() == []
        assert (here / "a.qgs").stat().st_mode & 0o044


def test_the_clone_may_be_named(places):  # noqa: F811
    root, here = places
    ftp.write(root / "projects", {"a.qgs": PROJECT.format(host="DB.example.org.")})
    with ftp.Server(root) as server:
        fetch(server, here, CONNECTION_NAME_CLONE="host=tablet dbname=field")
        text = (here / "a.qgs").read_text()
        assert "host=tablet" in text and "dbname='field'" in text and "password" not in text


def test_backups_are_not_sent(places):  # noqa: F811
    root, here = places
    ftp.write(here, {"a.qgs": "1", "a.qgs.bak": "sesame", "b.qgz.bak": "sesame", "notes.bak": "2"})
    with ftp.Server(root) as server:
        send(server, here)
    assert sorted(ftp.tree(root / "projects")) == ["a.qgs", "notes.bak"]
