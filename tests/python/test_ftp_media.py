"""Photos: never one in the place of another."""

import os
import re
import threading

import ftp
import lizsync
import pytest
from test_ftp import counts, media, places, send  # noqa: F401


def test_what_the_server_lacks_is_sent(places):  # noqa: F811
    root, here = places
    files = {"media/upload/a.jpg": "1", "media/upload/plot 1/é.jpg": "22", "media/logo.png": "3", "p.qgs": "4"}
    ftp.write(here, files)
    with ftp.Server(root) as server:
        heard = ftp.Messages()
        assert counts(media(server, here, heard, DRY_RUN=True)) == [2, 0, 0]
        assert ftp.tree(root / "projects") == {}
        assert counts(media(server, here)) == [2, 0, 0]
        assert counts(media(server, here)) == [0, 2, 0]
    sent = {path: content for path, content in ftp.tree(root / "projects").items() if content}
    assert sent == {"media/upload/a.jpg": b"1", "media/upload/plot 1/é.jpg": b"22"}
    assert int((root / "projects/media/upload/a.jpg").stat().st_mtime) == 1_700_000_000


def test_a_photo_of_the_same_name_is_sent_beside_the_other(places):  # noqa: F811
    root, here = places
    ftp.write(root / "projects", {"media/upload/a.jpg": "of another clone", "media/upload/b.jpg": "same"})
    ftp.write(here, {"media/upload/a.jpg": "mine", "media/upload/b.jpg": "same"}, at=1_800_000_000)
    with ftp.Server(root) as server:
        heard = ftp.Messages()
        outputs = media(server, here, heard)
        assert counts(outputs) == [1, 1, 0] and outputs["CLASHES"] == 1
        assert any("a.jpg" in text and "another file of that name" in text for text in heard.of("warning"))
        again = media(server, here)
        assert counts(again) == [0, 2, 0] and again["CLASHES"] == 1
    found = dict(ftp.tree(root / "projects/media/upload").items())
    beside = [path for path in found if path not in ("a.jpg", "b.jpg")]
    assert len(beside) == 1 and beside[0].startswith("a (") and beside[0].endswith(").jpg")
    assert found == {"a.jpg": b"of another clone", "b.jpg": b"same", beside[0]: b"mine"}


def test_names_that_differ_only_in_capitals_are_the_same_for_some_servers(places):  # noqa: F811
    root, here = places
    ftp.write(root / "projects", {"media/upload/IMG.JPG": "of another clone", "media/upload/Same.jpg": "same"})
    ftp.write(here, {"media/upload/img.jpg": "mine", "media/upload/same.jpg": "same"})
    with ftp.Server(root, caseless=True) as server:
        outputs = media(server, here)
        assert counts(outputs) == [1, 1, 0] and outputs["CLASHES"] == 1
        assert counts(media(server, here)) == [0, 2, 0]
        assert counts(send(server, here)) == [1, 1, 0]
        assert counts(send(server, here)) == [0, 2, 0]


def test_servers_may_refuse_names_with_a_dot_in_front(places):  # noqa: F811
    root, here = places
    ftp.write(here, {f"media/upload/{number}.jpg": "mine" for number in range(9)})
    with ftp.Server(root, dotless=True) as server:
        assert counts(media(server, here)) == [9, 0, 0]
    assert len(ftp.tree(root / "projects/media/upload")) == 9


def test_a_photo_that_comes_in_the_meantime_is_not_replaced(places):  # noqa: F811
    root, here = places
    ftp.write(here, {"media/upload/a.jpg": "mine"})
    other = root / "projects/media/upload/a.jpg"
    # It comes when the transfer has begun.
    with ftp.Server(root, appears=[str(other), "theirs"]) as server:
        heard = ftp.Messages()
        with pytest.raises(Exception, match="another file of that name"):
            media(server, here, heard)
        assert other.read_text() == "theirs"
        assert counts(media(server, here)) == [1, 0, 0]
    contents = sorted(path.read_text() for path in other.parent.iterdir())
    assert contents == ["mine", "theirs"]


def test_two_clones_that_send_at_once_replace_nothing(places):  # noqa: F811
    root, here = places
    for clone in ("one", "three"):
        ftp.write(here / clone, {f"media/upload/{number}.jpg": clone * (number + 1) for number in range(40)})
    with ftp.Server(root) as server:
        sent = []

        def run(clone):
            try:
                sent.append(media(server, here / clone)["FILES_TRANSFERRED"])
            except lizsync.LizsyncError as error:
                # Names that the other one took first are told as failures.
                sent.append(int(re.search(r"(\d+) files? \(\d", str(error)).group(1)))

        threads = [threading.Thread(target=run, args=(clone,)) for clone in ("one", "three")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(ftp.tree(root / "projects/media/upload")) == sum(sent)
        for clone in ("one", "three"):
            media(server, here / clone)
    found = sorted(ftp.tree(root / "projects/media/upload").values())
    assert found == sorted((clone * (number + 1)).encode() for clone in ("one", "three") for number in range(40))


def test_a_server_that_does_not_show_what_it_has_replaces_nothing(places):  # noqa: F811
    root, here = places
    ftp.write(here, {"media/upload/a.jpg": "mine"})
    ftp.write(root / "projects", {"media/upload/a.jpg": "theirs"})
    with ftp.Server(root, permissions="eafmw") as server, pytest.raises(lizsync.LizsyncError):
        media(server, here)
    assert (root / "projects/media/upload/a.jpg").read_text() == "theirs"
    with ftp.Server(root, without=["MLSD", "MLST", "SIZE"]) as server:
        assert media(server, here)["CLASHES"] == 1
    assert (root / "projects/media/upload/a.jpg").read_text() == "theirs"


def test_photos_of_one_length_are_told_apart_where_the_server_can(places):  # noqa: F811
    root, here = places
    ftp.write(here, {"media/upload/a.jpg": "AAAA"})
    ftp.write(root / "projects", {"media/upload/a.jpg": "BBBB"}, at=1_700_000_900)
    with ftp.Server(root, hash="HASH") as server:
        outputs = media(server, here)
        assert (outputs["FILES_TRANSFERRED"], outputs["CLASHES"]) == (1, 1)
        assert counts(media(server, here)) == [0, 1, 0]


def test_photos_that_rows_mention_are_looked_for(places, database):  # noqa: F811
    root, here = places
    ftp.write(here, {"media/upload/here.jpg": "1", "media/upload/nobody.jpg": "2"})
    ftp.write(root / "projects", {"media/upload/there.jpg": "3", "media/logo.png": "4"})
    database.query("""
        CREATE SCHEMA "Gis é";
        CREATE TABLE "Gis é"."Tree's" (id serial, "Photo" text, note varchar(80), n integer);
        INSERT INTO "Gis é"."Tree's" ("Photo", note) VALUES ('media/upload/here.jpg', 'media/logo.png'),
            ('media/upload/there.jpg', 'about media/x'), ('media/upload/lost ''one''.jpg', NULL), (NULL, '')""")
    with ftp.Server(root) as server:
        heard = ftp.Messages()
        outputs = media(server, here, heard, CONNECTION_NAME_CLONE=database.conninfo)
    assert counts(outputs) == [2, 0, 0]
    assert (outputs["MISSING_FILES"], outputs["UNMENTIONED_FILES"]) == (1, 1)
    (warning,) = heard.of("warning")
    assert "media/upload/lost 'one'.jpg" in warning and "Gis é.Tree's.Photo" in warning
    assert any("nobody.jpg" in text for text in heard.of("info"))


def test_there_may_be_nothing_to_send(places):  # noqa: F811
    root, here = places
    with ftp.Server(root) as server:
        assert counts(media(server, here)) == [0, 0, 0]
        os.mkdir(here / "media")
        assert counts(media(server, here)) == [0, 0, 0]
    assert ftp.tree(root / "projects") == {}
