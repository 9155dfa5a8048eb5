"""Projects that are fetched read the clone."""

import os
import zipfile

import ftp
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
