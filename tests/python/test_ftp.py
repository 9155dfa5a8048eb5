"""Projects and files over FTP, with real servers."""

import os
import pathlib
import random
import tempfile
import time

import ftp
import lizsync
import pytest

NAMES = {
    "plain.txt": "plain",
    "empty": "",
    " leading space": "a",
    "trailing space ": "b",
    "-dash": "c",
    ".hidden": "d",
    "été à la mer.jpg": "e",
    "日本.gpkg": "f",
    "100% #1 'quoted' \"twice\" [x] *star*?.txt": "g",
    "back\\slash": "h",
    "sub/deeper/and deeper/file": "i" * 100_000,
    "sub/-x/y": "j",
    "semi; colon": "k",
}


@pytest.fixture
def places(tmp_path):
    """The folder of the server (with /projects), and one here."""
    server, here = tmp_path / "server", tmp_path / "here"
    (server / "projects").mkdir(parents=True)
    here.mkdir()
    tmp_path.chmod(0o755)
    return server, here


def run(algorithm, parameters, feedback):
    """Runs an algorithm; each of its outputs is one that the registry tells."""
    outputs = lizsync.run(algorithm, parameters, feedback)
    (entry,) = [entry for entry in lizsync.algorithms() if entry["id"] == algorithm]
    assert set(outputs) == {output["id"] for output in entry["outputs"]}
    return outputs


def get(server, here, feedback=None, **changes):
    parameters = {
        "CONNECTION_NAME_CENTRAL": "host=127.0.0.1 dbname=central",
        "CLONE_QGIS_PROJECT_FOLDER": str(here),
        "REPLACE_DATASOURCE_IN_QGIS_PROJECT": False,
        **server.account("CENTRAL"),
        **changes,
    }
    return run("get_projects_and_files_from_central_ftp", parameters, feedback)


def send(server, here, feedback=None, **changes):
    parameters = {
        "CONNECTION_NAME_CENTRAL": "host=127.0.0.1 dbname=central",
        "LOCAL_QGIS_PROJECT_FOLDER": str(here),
        **server.account("CLONE"),
        **changes,
    }
    return run("send_projects_and_files_to_clone_ftp", parameters, feedback)


def media(server, here, feedback=None, **changes):
    parameters = {"LOCAL_QGIS_PROJECT_FOLDER": str(here), **server.account("CENTRAL"), **changes}
    return run("synchronize_media_subfolder_to_ftp", parameters, feedback)


def counts(outputs):
    return [outputs[key] for key in ("FILES_TRANSFERRED", "FILES_SKIPPED", "FILES_FAILED")]


@pytest.mark.parametrize("without", [[], ["MLSD", "MLST"], ["MLSD", "MLST", "MDTM", "MFMT", "SIZE"]])
def test_everything_is_fetched_once(places, without):
    root, here = places
    names = {name: text for name, text in NAMES.items() if not (without and name.startswith(" "))}
    ftp.write(root / "projects", names)
    (root / "projects" / "empty folder").mkdir()
    with ftp.Server(root, without=without) as server:
        outputs = get(server, here)
        assert counts(outputs) == [len(names), 0, 0]
        assert outputs["BYTES_TRANSFERRED"] == sum(len(text) for text in names.values())
        assert ftp.tree(here) == ftp.tree(root / "projects")
        if not without:
            assert all(int(path.stat().st_mtime) == 1_700_000_000 for path in here.rglob("*") if path.is_file())
        fetched = len(server.got("RETR"))
        assert counts(get(server, here)) == [0, len(names), 0]
        assert len(server.got("RETR")) == fetched


@pytest.mark.parametrize(
    "without", [[], ["MLSD", "MLST"], ["MLSD", "MLST", "MFMT"], ["MLSD", "MLST", "MDTM", "MFMT", "SIZE"]]
)
def test_everything_is_sent_once(places, without):
    root, here = places
    names = {name: text for name, text in NAMES.items() if not (without and name.startswith(" "))}
    ftp.write(here, names)
    (here / "empty folder").mkdir()
    with ftp.Server(root, without=without) as server:
        outputs = send(server, here, CLONE_FTP_REMOTE_DIR="/made/for this/")
        assert counts(outputs) == [len(names), 0, 0]
        assert ftp.tree(here) == ftp.tree(root / "made" / "for this")
        assert counts(send(server, here, CLONE_FTP_REMOTE_DIR="made/for this")) == [0, len(names), 0]


def test_what_is_newer_or_of_another_size_is_fetched_and_nothing_else(places):
    root, here = places
    ftp.write(root / "projects", {"newer": "AAA", "size": "BBBB", "same": "CCC", "older": "DDD", "missing": "E"})
    ftp.write(here, {"newer": "aaa"}, at=1_699_999_000)
    ftp.write(here, {"size": "bbb", "same": "ccc"})
    ftp.write(here, {"older": "ddd", "mine": "m"}, at=1_700_001_000)
    with ftp.Server(root) as server:
        heard = ftp.Messages()
        outputs = get(server, here, heard, DRY_RUN=True)
        assert counts(outputs) == [3, 2, 0]
        assert sum(text.startswith("Would transfer") for text in heard.of("info")) == 3
        assert (here / "newer").read_text() == "aaa" and not server.got("RETR")
        assert counts(get(server, here)) == [3, 2, 0]
    expected = {"newer": b"AAA", "size": b"BBBB", "same": b"ccc", "older": b"ddd", "missing": b"E", "mine": b"m"}
    assert ftp.tree(here) == expected


def test_folders_are_left_out(places):
    root, here = places
    ftp.write(root / "projects", {"a": "1", "data/b": "2", "x/data/c": "3", "x/old/d": "4", "old/e": "5"})
    with ftp.Server(root) as server:
        get(server, here)
        assert sorted(ftp.tree(here)) == ["a", "old", "old/e", "x", "x/old", "x/old/d"]
        # What is left out is not even looked at.
        assert not [line for line in server.got("MLSD") if line.endswith("/data")]
        get(server, here / "new", FTP_EXCLUDE_REMOTE_SUBDIRS="x/old, /old")
        assert [path for path, content in ftp.tree(here / "new").items() if content] == ["a", "data/b", "x/data/c"]


def test_connections_that_are_cut_are_made_again_and_transfers_go_on(places):
    root, here = places
    random.seed(1)
    files = {f"{number}.bin": random.randbytes(300_000) for number in range(12)}
    ftp.write(root / "projects", files)
    for seed in range(3):
        random.seed(seed)
        # The first is the listing.
        cut = [None, *(random.choice([None, random.randrange(300_000)]) for _ in range(20))]
        target = here / str(seed)
        with ftp.Server(root, cut=cut) as server:
            assert counts(get(server, target)) == [12, 0, 0]
            assert any(not line.endswith(" 0") for line in server.got("REST"))
        assert ftp.tree(target) == dict(sorted(files.items()))
    for seed in range(3):
        random.seed(seed)
        cut = [None, *(random.choice([None, random.randrange(300_000)]) for _ in range(20))]
        with ftp.Server(root, cut=cut) as server:
            assert counts(send(server, here / "0", CLONE_FTP_REMOTE_DIR=f"/sent/{seed}")) == [12, 0, 0]
        assert ftp.tree(root / "sent" / str(seed)) == ftp.tree(here / "0")


def test_a_second_run_finishes_what_the_first_could_not(places):
    root, here = places
    content = random.randbytes(2_000_000)
    ftp.write(root / "projects", {"large": content})
    with ftp.Server(root, cut=[None, *[200_000] * 50]) as server:
        with pytest.raises(lizsync.LizsyncError) as failure:
            get(server, here)
        assert failure.value.kind == "transfer" and "large" in str(failure.value)
        assert counts(failure.value.outputs) == [0, 0, 1]
        assert not (here / "large").exists()
    with ftp.Server(root) as server:
        assert counts(get(server, here)) == [1, 0, 0]
        (rest,) = server.got("REST")
        assert int(rest.split()[1]) >= 200_000
    assert ftp.tree(here) == {"large": content}


def test_another_version_is_not_put_behind_a_half_one(places):
    root, here = places
    old, new = b"o" * 1_000_000, b"n" * 1_000_000
    ftp.write(root / "projects", {"file": old})
    with ftp.Server(root, cut=[None, *[100_000] * 50]) as server, pytest.raises(lizsync.LizsyncError):
        get(server, here, FTP_CONNECTIONS=1)
    ftp.write(root / "projects", {"file": new}, at=1_700_000_500)
    with ftp.Server(root) as server:
        get(server, here)
    assert (here / "file").read_bytes() == new


def test_a_file_gets_its_name_when_it_is_whole(places):
    root, here = places
    ftp.write(here, {"photo.jpg": "x" * 50_000})
    with ftp.Server(root) as server:
        send(server, here)
        (stored,) = server.got("STOR")
        assert "photo.jpg" not in stored.split(" ", 1)[1].rsplit("/", 1)[1][:9] and stored.endswith(".part")
        assert server.got("RNTO") == ["RNTO /projects/photo.jpg"]


@pytest.mark.parametrize("how", ["HASH", "XSHA256"])
def test_what_arrives_is_compared_where_the_server_can(places, how):
    root, here = places
    ftp.write(root / "projects", {"a": "1" * 1000})
    with ftp.Server(root, hash=how) as server:
        get(server, here)
        assert len(server.got(how)) == 1
        ftp.write(here, {"b": "2" * 1000})
        send(server, here)
        assert len(server.got(how)) == 2
    assert ftp.tree(root / "projects") == ftp.tree(here)


def test_files_are_replaced_also_where_renaming_does_not(places):
    root, here = places
    ftp.write(here, {"a": "new"})
    ftp.write(root / "projects", {"a": "old!"})
    with ftp.Server(root, keep=True) as server:
        assert counts(send(server, here)) == [1, 0, 0]
    assert ftp.tree(root / "projects") == {"a": b"new"}


def test_a_file_is_not_deleted_for_one_that_cannot_have_its_name(places):
    root, here = places
    ftp.write(here, {"a": "new"})
    ftp.write(root / "projects", {"a": "the good old one"})
    with ftp.Server(root, permissions="elradmwMT") as server, pytest.raises(lizsync.LizsyncError):
        send(server, here)
    assert (root / "projects" / "a").read_text() == "the good old one"


def test_one_run_at_a_time_works_in_a_folder(places):
    root, here = places
    ftp.write(root / "projects", {"large": bytes(50_000_000)})
    with ftp.Server(root) as server:
        other = []

        def cancel():
            if server.got("RETR") and not other:
                with pytest.raises(lizsync.LizsyncError, match="Another run works in") as failure:
                    get(server, here)
                other.append(failure.value.kind)
            return False

        assert counts(get(server, here, ftp.Messages(cancel))) == [1, 0, 0]
        assert other == ["state"]
    assert sorted(ftp.tree(here)) == ["large"]


def test_a_version_that_comes_in_the_middle_is_not_put_behind_the_other(places):
    root, here = places
    old, new = b"o" * 1_000_000, b"n" * 1_000_000
    ftp.write(root / "projects", {"file": old})
    with ftp.Server(root, cut=[None, 400_000]) as server:
        changed = []

        def cancel():
            if server.got("RETR") and not changed:
                ftp.write(root / "new", {"file": new}, at=1_700_000_500)
                os.replace(root / "new" / "file", root / "projects" / "file")
                changed.append(True)
            return False

        get(server, here, ftp.Messages(cancel), FTP_CONNECTIONS=1)
    assert (here / "file").read_bytes() in (old, new)


def test_photos_that_were_taken_here_are_not_replaced(places):
    root, here = places
    ftp.write(root / "projects", {"media/upload/a.jpg": "theirs", "media/upload/b.jpg": "b"}, at=1_800_000_000)
    ftp.write(here, {"media/upload/a.jpg": "mine, not sent"})
    with ftp.Server(root) as server:
        heard = ftp.Messages()
        assert counts(get(server, here, heard)) == [1, 1, 0]
    assert (here / "media/upload/a.jpg").read_text() == "mine, not sent"
    assert any("a.jpg" in text for text in heard.of("warning"))


def test_a_folder_that_may_not_be_looked_into_is_a_failure_and_the_rest_is_done(places):
    root, here = places
    ftp.write(root / "projects", {"a": "1", "closed/b": "2", "open/c": "3"})
    with ftp.Server(root, closed="closed") as server, pytest.raises(lizsync.LizsyncError, match="closed"):
        get(server, here)
    assert [path for path, content in ftp.tree(here).items() if content] == ["a", "open/c"]


def test_a_configuration_goes_with_its_project(places):
    root, here = places
    ftp.write(root / "projects", {"p.qgs": "new project", "q.qgz": "2", "q.qgz.cfg": "newer"})
    ftp.write(here, {"p.qgs": "old", "p.qgs.cfg": "stale", "q.qgz": "22", "q.qgz.cfg": "older"}, at=1_700_009_000)
    with ftp.Server(root) as server:
        get(server, here)
    expected = {"p.qgs": b"new project", "p.qgs.cfg.bak": b"stale", "q.qgz": b"2", "q.qgz.cfg": b"newer"}
    assert ftp.tree(here) == expected


def test_names_that_are_not_utf8(places):
    root, here = places
    ftp.write(root / "projects", {"été/à.txt": "1", "plain": "2"})
    with ftp.Server(root, latin=True, without=["MLSD", "MLST"]) as server:
        assert counts(get(server, here)) == [2, 0, 0]
        assert ftp.tree(here) == ftp.tree(root / "projects")
        ftp.write(here, {"été/nouveau là.txt": "3"})
        assert counts(send(server, here)) == [1, 2, 0]
    assert ftp.tree(here) == ftp.tree(root / "projects")


def test_servers_with_few_connections(places):
    root, here = places
    ftp.write(root / "projects", {str(number): "x" for number in range(40)})
    with ftp.Server(root, rude=2) as server:
        assert counts(get(server, here, FTP_CONNECTIONS=8)) == [40, 0, 0]


def test_a_folder_that_is_not_there(places):
    root, here = places
    with ftp.Server(root) as server:
        with pytest.raises(lizsync.LizsyncError, match="no folder /elsewhere") as failure:
            get(server, here, CENTRAL_FTP_REMOTE_DIR="/elsewhere")
        assert failure.value.kind == "transfer"
        with pytest.raises(lizsync.LizsyncError, match="is no folder"):
            send(server, here / "none")


@pytest.mark.parametrize(
    "wrong",
    [
        {"FTP_TLS": "yes"},
        {"FTP_CA_FILE": "/nowhere/ca.pem"},
        {"FTP_CONNECTIONS": 0},
        {"FTP_TIMEOUT": -1},
        {"CENTRAL_FTP_PORT": 70000},
        {"CENTRAL_FTP_HOST": "ftp://anna:sesame@127.0.0.1"},
    ],
)
def test_a_wrong_parameter_is_named(places, wrong):
    root, here = places
    (name,) = wrong
    with ftp.Server(root) as server, pytest.raises(lizsync.LizsyncError, match=name) as failure:
        get(server, here, **wrong)
    assert "sesame" not in str(failure.value.outputs)


def test_a_cancel_ends_a_transfer_at_once(places):
    root, here = places
    ftp.write(root / "projects", {"large": bytes(200_000_000)})
    with ftp.Server(root) as server:
        started = []

        def cancel():
            if server.got("RETR") and not started:
                started.append(time.monotonic())
            return bool(started)

        with pytest.raises(lizsync.LizsyncError) as failure:
            get(server, here, ftp.Messages(cancel))
        assert failure.value.kind == "canceled"
        assert time.monotonic() - started[0] < 2
        assert not (here / "large").exists()


def test_a_password_is_found_where_users_keep_it(places, tmp_path, monkeypatch):
    root, here = places
    settings, netrc = tmp_path / "LizSync.ini", tmp_path / "netrc"
    monkeypatch.setenv("LIZSYNC_CONFIG_FILE", str(settings))
    monkeypatch.setenv("NETRC", str(netrc))
    with ftp.Server(root) as server:
        with pytest.raises(lizsync.LizsyncError, match="No password was given"):
            get(server, here, CENTRAL_FTP_PASSWORD="")
        settings.write_text(f"[ftp:central]\nhost = 127.0.0.1\nuser = anna\npassword = {ftp.PASSWORD}\n")
        for mode, warned in ((0o644, True), (0o600, False)):
            settings.chmod(mode)
            heard = ftp.Messages()
            get(server, here, heard, CENTRAL_FTP_PASSWORD="")
            assert any("chmod 600" in text for text in heard.of("warning")) == warned
        settings.write_text(f"[ftp:central]\nhost = elsewhere\nuser = anna\npassword = {ftp.PASSWORD}\n")
        with pytest.raises(lizsync.LizsyncError, match="No password was given"):
            get(server, here, CENTRAL_FTP_PASSWORD="")
        netrc.write_text("machine 127.0.0.1 login anna password wrong\n")
        netrc.chmod(0o644)
        with pytest.raises(lizsync.LizsyncError, match="others can read it"):
            get(server, here, CENTRAL_FTP_PASSWORD="")
        netrc.chmod(0o600)
        with pytest.raises(lizsync.LizsyncError, match="refuses the login") as failure:
            get(server, here, CENTRAL_FTP_PASSWORD="")
        assert "wrong" not in str(failure.value.outputs)


def test_tls_is_checked(places):
    root, here = places
    ftp.write(root / "projects", {f"{number}.txt": "x" * number for number in range(20)})
    authority = str(pathlib.Path(os.environ["LIZSYNC_TEST_CERTS"]) / "root.crt")
    with ftp.Server(root, tls="explicit", required=True) as server:
        for mode in ("prefer", "require"):
            with pytest.raises(lizsync.LizsyncError, match="cannot be trusted.*FTP_CA_FILE"):
                get(server, here, FTP_TLS=mode)
        with pytest.raises(lizsync.LizsyncError):
            get(server, here, FTP_TLS="disable")
        assert counts(get(server, here, FTP_TLS="prefer", FTP_CA_FILE=authority)) == [20, 0, 0]
        assert counts(get(server, here / "2", FTP_TLS="require", FTP_ANY_CERTIFICATE=True)) == [20, 0, 0]
        assert counts(
            send(server, here / "2", FTP_TLS="require", FTP_CA_FILE=authority, CLONE_FTP_REMOTE_DIR="/up")
        ) == [20, 0, 0]
        assert ftp.tree(root / "up") == ftp.tree(here / "2")
    with ftp.Server(root, tls="implicit") as server:
        assert counts(get(server, here / "3", FTP_TLS="implicit", FTP_CA_FILE=authority)) == [20, 0, 0]
    with ftp.Server(root) as server:
        heard = ftp.Messages()
        assert counts(get(server, here / "4", heard, FTP_TLS="prefer")) == [20, 0, 0]
        assert any("does not encrypt" in text for text in heard.of("warning"))
        with pytest.raises(lizsync.LizsyncError, match="FTP_TLS=require"):
            get(server, here, FTP_TLS="require")


@pytest.fixture
def open_places():
    """The same where another user may look: vsftpd runs as one."""
    with tempfile.TemporaryDirectory(prefix="lizsync-ftp-") as place:
        os.chmod(place, 0o755)
        server, here = pathlib.Path(place) / "server", pathlib.Path(place) / "here"
        (server / "projects").mkdir(parents=True)
        here.mkdir()
        yield server, here


def test_vsftpd_lists_in_its_own_way(open_places):
    root, here = open_places
    names = {name: text for name, text in NAMES.items() if not name.startswith(" ")}
    ftp.write(root / "projects", names)
    (root / "projects" / "out").symlink_to("/etc")
    anonymous = {"LOGIN": "anonymous", "PASSWORD": "x@example.org"}
    with ftp.vsftpd(root) as port:
        central = ftp.account("CENTRAL", port, **{f"CENTRAL_FTP_{key}": value for key, value in anonymous.items()})
        parameters = {
            "CONNECTION_NAME_CENTRAL": "dbname=x",
            "CLONE_QGIS_PROJECT_FOLDER": str(here),
            "REPLACE_DATASOURCE_IN_QGIS_PROJECT": False,
            **central,
            "CENTRAL_FTP_REMOTE_DIR": "projects",
        }
        outputs = lizsync.run("get_projects_and_files_from_central_ftp", parameters)
        assert counts(outputs) == [len(names), 1, 0]
        (root / "projects" / "out").unlink()
        assert ftp.tree(here) == ftp.tree(root / "projects")
        again = lizsync.run("get_projects_and_files_from_central_ftp", parameters)
        assert counts(again) == [0, len(names), 0]
        clone = ftp.account("CLONE", port, **{f"CLONE_FTP_{key}": value for key, value in anonymous.items()})
        clone["CLONE_FTP_REMOTE_DIR"] = "sent/deeper"
        parameters = {"CONNECTION_NAME_CENTRAL": "dbname=x", "LOCAL_QGIS_PROJECT_FOLDER": str(here), **clone}
        assert counts(lizsync.run("send_projects_and_files_to_clone_ftp", parameters)) == [len(names), 0, 0]
        assert ftp.tree(here) == ftp.tree(root / "sent/deeper")
        times = [
            {str(path.relative_to(top)): int(path.stat().st_mtime) for path in top.rglob("*") if path.is_file()}
            for top in (here, root / "sent/deeper")
        ]
        # It has no MFMT, but takes a time with MDTM.
        assert times[0] == times[1]
        assert counts(lizsync.run("send_projects_and_files_to_clone_ftp", parameters)) == [0, len(names), 0]


@pytest.mark.parametrize("implicit", [False, True])
def test_vsftpd_wants_sessions_to_be_resumed(open_places, implicit):
    root, here = open_places
    ftp.write(root / "projects", {f"{number}.txt": "x" * number for number in range(30)})
    certs = pathlib.Path(os.environ["LIZSYNC_TEST_CERTS"])
    own = root.parent / "certs"
    own.mkdir()
    for name in ("server.crt", "server.key"):
        (own / name).write_bytes((certs / name).read_bytes())
        (own / name).chmod(0o644)
    settings = {
        "ssl_enable": "YES",
        "allow_anon_ssl": "YES",
        "force_anon_logins_ssl": "YES",
        "force_anon_data_ssl": "YES",
        "require_ssl_reuse": "YES",
        "implicit_ssl": "YES" if implicit else "NO",
        "rsa_cert_file": own / "server.crt",
        "rsa_private_key_file": own / "server.key",
        "ssl_ciphers": "HIGH",
    }
    with ftp.vsftpd(root, **settings) as port:
        parameters = {
            "CONNECTION_NAME_CENTRAL": "dbname=x",
            "CLONE_QGIS_PROJECT_FOLDER": str(here),
            "REPLACE_DATASOURCE_IN_QGIS_PROJECT": False,
            **ftp.account("CENTRAL", port),
            "CENTRAL_FTP_LOGIN": "anonymous",
            "CENTRAL_FTP_REMOTE_DIR": "projects",
            "FTP_TLS": "implicit" if implicit else "require",
            "FTP_CA_FILE": str(certs / "root.crt"),
        }
        outputs = lizsync.run("get_projects_and_files_from_central_ftp", parameters)
        assert counts(outputs) == [30, 0, 0]
    assert ftp.tree(here) == ftp.tree(root / "projects")
