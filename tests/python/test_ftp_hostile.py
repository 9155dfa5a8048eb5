"""Servers that are broken or mean harm. No real server does these things, so these are scripts."""

import contextlib
import socket
import threading

import ftp
import lizsync
import pytest

FILE = b"type=file;size=3;modify=20260101000000; "


class Script(threading.Thread):
    """A server that follows the rules, but for what a test changes.

    listing   what MLSD gives, bytes or an iterator of bytes
    content   what RETR gives
    replies   command to reply, None for silence
    passive   the address in the reply to PASV
    greeting  the first reply, None for silence
    """

    def __init__(
        self,
        listing=b"",
        content=b"abc",
        replies=(),
        passive=None,
        greeting=b"220 hello\r\n",
        feat=b" MLST type*;\r\n SIZE\r\n",
    ):
        super().__init__(daemon=True)
        self.listing, self.content, self.replies = listing, content, dict(replies)
        self.passive, self.greeting, self.feat = passive, greeting, feat
        self.commands = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with contextlib.suppress(OSError), client:
            if self.greeting is None:
                client.recv(1)
                return
            client.sendall(self.greeting)
            data = socket.create_server(("127.0.0.1", 0))
            with data, client.makefile("rb") as lines:
                for line in lines:
                    line = line.rstrip(b"\r\n")
                    self.commands.append(line)
                    verb = line.split(b" ")[0].decode()
                    if verb in self.replies:
                        if self.replies[verb] is None:
                            client.recv(1)
                            return
                        client.sendall(self.replies[verb])
                    elif verb in ("MLSD", "RETR"):
                        client.sendall(b"150 here it comes\r\n")
                        with data.accept()[0] as stream:
                            what = self.listing if verb == "MLSD" else self.content
                            for piece in [what] if isinstance(what, bytes) else what:
                                stream.sendall(piece)
                        client.sendall(b"226 done\r\n")
                    else:
                        client.sendall(self.reply(verb, data))

    def reply(self, verb, data):
        port = data.getsockname()[1]
        numbers = self.passive or (127, 0, 0, 1, port >> 8, port & 255)
        known = {
            "USER": b"331 password\r\n",
            "PASS": b"230 in\r\n",
            "FEAT": b"211-Features\r\n" + self.feat + b"211 End\r\n",
            "TYPE": b"200 ok\r\n",
            "PWD": b'257 "/"\r\n',
            "PASV": "227 Entering Passive Mode ({},{},{},{},{},{}).\r\n".format(*numbers).encode(),
            "CWD": b"250 ok\r\n",
            "SIZE": b"213 3\r\n",
            "QUIT": b"221 bye\r\n",
        }
        return known.get(verb, b"502 unknown\r\n")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.listener.close()


def get(script, here, feedback=None, **changes):
    parameters = {
        "CONNECTION_NAME_CENTRAL": "dbname=x",
        "CLONE_QGIS_PROJECT_FOLDER": str(here),
        "REPLACE_DATASOURCE_IN_QGIS_PROJECT": False,
        **ftp.account("CENTRAL", script.port, FTP_TIMEOUT=1),
        **changes,
    }
    return lizsync.run("get_projects_and_files_from_central_ftp", parameters, feedback)


def folder(tmp_path):
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def test_a_server_that_follows_the_rules_is_used(tmp_path):
    here = folder(tmp_path)
    with Script(FILE + b"a\r\n") as script:
        assert get(script, here)["FILES_TRANSFERRED"] == 1
    assert ftp.tree(tmp_path) == {"here": None, "here/a": b"abc"}


@pytest.mark.parametrize(
    "name",
    [b"../a", b"..", b"/etc/a", b"x/../../a", b"a\x00b", b"a\x1b[2J", b"a\rDELE b", b"\xff\xf4\xff\xfd\x06\x00", b"."],
)
def test_names_do_not_lead_out_of_the_folder(tmp_path, name):
    here = folder(tmp_path)
    listing = FILE + name + b"\r\n" + FILE.replace(b"type=file", b"type=dir") + name + b"\r\n" + FILE + b"good\r\n"
    heard = ftp.Messages()
    with Script(listing) as script:
        assert get(script, here, heard)["FILES_TRANSFERRED"] == 1
        assert all(line.split(b" ")[0] != b"DELE" for line in script.commands)
    assert ftp.tree(tmp_path) == {"here": None, "here/good": b"abc"}
    assert not any(ord(c) < 32 for text in heard.of("warning") for c in text)


def test_links_are_left_out(tmp_path):
    here = folder(tmp_path)
    with Script(b"type=OS.unix=slink:/etc/passwd;size=3; link\r\n" + FILE + b"a\r\n") as script:
        outputs = get(script, here)
    assert (outputs["FILES_TRANSFERRED"], outputs["FILES_SKIPPED"]) == (1, 1)
    assert sorted(ftp.tree(here)) == ["a"]


def test_a_circle_of_folders_ends(tmp_path):
    here = folder(tmp_path)
    heard = ftp.Messages()
    with Script(b"type=dir; again\r\n" + FILE + b"a\r\n") as script:
        get(script, here, heard)
        listed = sum(line.startswith(b"MLSD") for line in script.commands)
    assert listed < 100 and any("circle" in text for text in heard.of("warning"))


def test_a_circle_of_folders_that_branches_ends(tmp_path):
    here = folder(tmp_path)
    heard = ftp.Messages()
    with Script(b"type=dir; again\r\ntype=dir; and again\r\n" + FILE + b"a\r\n") as script:
        get(script, here, heard, DRY_RUN=True)
        listed = sum(line.startswith(b"MLSD") for line in script.commands)
    assert listed < 200 and any("circle" in text for text in heard.of("warning"))


def test_a_listing_without_end(tmp_path):
    def endless():
        while True:
            yield (FILE + b"a\r\n") * 1000

    def line():
        yield FILE
        while True:
            yield b"a" * 65536

    for listing in (endless(), line()):
        with Script(listing) as script, pytest.raises(lizsync.LizsyncError, match="does not end the listing"):
            get(script, folder(tmp_path) if not (tmp_path / "here").exists() else tmp_path / "here", FTP_TIMEOUT=20)


@pytest.mark.parametrize("content", [b"", b"ab", b"abcd", b"x" * 10_000_000])
def test_a_size_that_does_not_match(tmp_path, content):
    here = folder(tmp_path)
    with Script(FILE + b"a\r\n", content) as script, pytest.raises(lizsync.LizsyncError) as failure:
        get(script, here)
    assert failure.value.kind == "transfer"
    assert not (here / "a").exists()
    assert sum(len(content or b"") for content in ftp.tree(here).values()) <= 3


def test_data_come_from_the_server_and_from_nowhere_else(tmp_path):
    """The address in the reply is that of another service of somebody's."""
    here = folder(tmp_path)
    with socket.create_server(("127.0.0.2", 0)) as victim:
        victim.settimeout(3)
        port = victim.getsockname()[1]
        script = Script(FILE + b"a\r\n", passive=(127, 0, 0, 2, port >> 8, port & 255))
        with script, pytest.raises(lizsync.LizsyncError):
            get(script, here)
        victim.setblocking(False)
        with pytest.raises(BlockingIOError):
            victim.accept()


SILENT = ["USER", "PASS", "FEAT", "TYPE", "PWD", "PASV", "MLSD", "RETR"]


@pytest.mark.parametrize("verb", ["greeting", *SILENT])
def test_a_server_that_hangs_is_given_up(tmp_path, verb):
    here = folder(tmp_path)
    change = {"greeting": None} if verb == "greeting" else {"replies": {verb: None}}
    silent = pytest.raises(lizsync.LizsyncError, match="did not answer within 1 seconds")
    with Script(FILE + b"a\r\n", **change) as script, silent as failure:
        get(script, here, FTP_TIMEOUT=1, FTP_CONNECTIONS=1)
    assert failure.value.kind == "transfer"


@pytest.mark.parametrize("verb", ["greeting", *SILENT])
def test_odd_replies_are_errors(tmp_path, verb):
    here = folder(tmp_path)
    for reply in (b"\r\n", b"xyz hello\r\n", b"999 what\r\n", b"2" * 300_000 + b"\r\n", b"\xff\xfe\xfd\r\n"):
        change = {"greeting": reply} if verb == "greeting" else {"replies": {verb: reply}}
        with Script(FILE + b"a\r\n", **change) as script:
            try:
                get(script, here, FTP_TIMEOUT=1, FTP_CONNECTIONS=1)
            except lizsync.LizsyncError as error:
                assert error.kind == "transfer", str(error)
                assert ftp.PASSWORD not in str(error.outputs)


def test_what_a_server_says_does_not_show_the_password(tmp_path):
    here = folder(tmp_path)
    heard = ftp.Messages()
    secret = ftp.PASSWORD
    reply = f"530 wrong password {secret}\r\n".encode()
    with Script(replies={"PASS": reply}) as script, pytest.raises(lizsync.LizsyncError) as failure:
        get(script, here, heard)
    assert "***" in str(failure.value) and secret not in str(failure.value.outputs) + str(heard.lines)


def test_what_a_server_says_is_short_and_plain(tmp_path):
    here = folder(tmp_path)
    secret = ftp.PASSWORD.encode()
    # Of a password that is cut, nothing stays.
    for said in (b"no \x1b[2J\x07 way", b"x" * 100_000, b"x" * 290 + secret):
        heard = ftp.Messages()
        with Script(replies={"PASS": b"530 " + said + b"\r\n"}) as script, pytest.raises(
            lizsync.LizsyncError
        ) as failure:
            get(script, here, heard)
        text = str(failure.value)
        assert len(text) < 1000 and not any(ord(c) < 32 for c in text), text
        assert ftp.PASSWORD[:4] not in text + str(heard.lines)


def test_what_came_is_compared_with_the_hash_of_the_server(tmp_path):
    here = folder(tmp_path)
    replies = {"OPTS": b"200 ok\r\n", "HASH": b"213 SHA-256 0-3 " + b"0" * 64 + b" a\r\n"}
    feat = b" MLST type*;\r\n SIZE\r\n HASH SHA-256*\r\n"
    with Script(FILE + b"a\r\n", feat=feat, replies=replies) as script, pytest.raises(lizsync.LizsyncError):
        get(script, here)
    assert not (here / "a").exists()


@pytest.mark.parametrize("key", ["CENTRAL_FTP_LOGIN", "CENTRAL_FTP_PASSWORD", "CENTRAL_FTP_REMOTE_DIR"])
def test_no_command_is_injected(tmp_path, key):
    here = folder(tmp_path)
    with Script(FILE + b"a\r\n") as script:
        with pytest.raises(lizsync.LizsyncError):
            get(script, here, **{key: "x\r\nDELE a"})
        assert not any(line.startswith(b"DELE") for line in script.commands)
