"""A real FTP server (pyftpdlib) for tests, in a process of its own.

    python server.py ROOT OPTIONS

ROOT is the home of the login anna, password in the environment variable FTP_PASSWORD. OPTIONS is a JSON object:
    tls        "explicit" or "implicit": certificate and key in FTP_CERTS; required: refuses a login without TLS
    without    commands that the server does not know, such as ["MLSD", "MLST", "MFMT"]
    latin      names are Latin-1 on the wire
    hash       "HASH" or "XSHA256": the server tells SHA-256 that way
    cut        data connections end after so many bytes, a number for each of them, in turn
    rude       logins beyond this number are refused with 421
    keep       renaming does not replace a file
    caseless   names that differ only in capitals are the same, as on Windows
    dotless    names that begin with a dot are refused
    closed     a folder of this name is not listed
    permissions  what the login may do, as pyftpdlib has it
    appears    path and content of a file that appears when the first upload is complete
Prints its port, and then a line for each command that it gets.
"""

import hashlib
import json
import os
import pathlib
import signal
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.filesystems import AbstractedFS
from pyftpdlib.handlers import DTPHandler, FTPHandler, TLS_DTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

ROOT, OPTIONS = sys.argv[1], json.loads(sys.argv[2])
CUTS = list(OPTIONS.get("cut", []))


def cutting(base):
    """A data connection that may be cut."""

    class Cutting(base):
        def __init__(self, *arguments):
            self.left = CUTS.pop(0) if CUTS else None
            super().__init__(*arguments)

        def cut(self, count):
            if self.left is not None:
                self.left -= count
                if self.left <= 0:
                    self.close()
                    self.cmd_channel.close()

        def send(self, data):
            data = data if self.left is None else data[: max(self.left, 1)]
            sent = super().send(data)
            self.cut(sent)
            return sent

        def recv(self, size):
            data = super().recv(size if self.left is None else min(size, max(self.left, 1)))
            self.cut(len(data))
            return data

        # sendfile() would go past send().
        def use_sendfile(self):
            return self.left is None and super().use_sendfile()

    return Cutting


class Caseless(AbstractedFS):
    """A file system that does not tell capitals from other letters."""

    def ftp2fs(self, path):
        place = self.root
        for name in self.ftpnorm(path).split("/"):
            if name:
                names = os.listdir(place) if os.path.isdir(place) else []
                known = [other for other in names if other.lower() == name.lower()]
                place = os.path.join(place, known[0] if known else name)
        return place


def handler():
    tls = OPTIONS.get("tls")
    base = TLS_FTPHandler if tls else FTPHandler

    class Handler(base):
        abstracted_fs = Caseless if OPTIONS.get("caseless") else AbstractedFS
        dtp_handler = cutting(TLS_DTPHandler if tls else DTPHandler)
        proto_cmds = {
            name: what
            for name, what in {
                **base.proto_cmds,
                "HASH": {"perm": "r", "auth": True, "arg": True, "help": "HASH path"},
                "XSHA256": {"perm": "r", "auth": True, "arg": True, "help": "XSHA256 path"},
            }.items()
            if name not in OPTIONS.get("without", [])
            and (name not in ("HASH", "XSHA256") or name == OPTIONS.get("hash"))
        }
        encoding = "latin-1" if OPTIONS.get("latin") else "utf8"
        timeout = 60

        def pre_process_command(self, line, command, argument):
            shown = "PASS ***" if command == "PASS" else line
            print(shown.encode("ascii", "backslashreplace").decode(), flush=True)
            if command == "OPTS" and argument.upper().startswith("HASH"):
                self.respond("200 SHA-256")
                return
            dotted = os.path.basename(argument).startswith(".")
            if OPTIONS.get("dotless") and dotted and command in ("STOR", "MKD", "RNTO"):
                self.respond("550 No such names.")
                return
            super().pre_process_command(line, command, argument)

        def ftp_FEAT(self, line):
            features = ["UTF8"] if not OPTIONS.get("latin") else []
            features += [name for name in ("MDTM", "MFMT", "SIZE") if name in self.proto_cmds]
            features += ["REST STREAM", "TVFS"]
            if "MLST" in self.proto_cmds:
                features.append("MLST type*;perm;size*;modify*;unique*;")
            if tls:
                features += ["AUTH TLS", "PBSZ", "PROT"]
            if OPTIONS.get("hash"):
                features.append({"HASH": "HASH SHA-256*;SHA-1", "XSHA256": "XSHA256"}[OPTIONS["hash"]])
            self.push("211-Features supported:\r\n")
            self.push("".join(f" {feature}\r\n" for feature in features))
            self.respond("211 End FEAT.")

        def digest(self, path):
            return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()

        def ftp_HASH(self, path):
            self.respond(f"213 SHA-256 0-{os.path.getsize(path)} {self.digest(path)} x")

        def ftp_XSHA256(self, path):
            self.respond(f"250 {self.digest(path).upper()}")

        def ftp_RNTO(self, path):
            if OPTIONS.get("keep") and os.path.exists(path):
                self.respond("550 There is such a file.")
                return None
            return super().ftp_RNTO(path)

        def ftp_MLSD(self, path):
            if OPTIONS.get("closed") and os.path.basename(path) == OPTIONS["closed"]:
                self.respond("550 Not for you.")
                return None
            return super().ftp_MLSD(path)

        def on_file_received(self, file):
            if OPTIONS.get("appears"):
                path, content = OPTIONS.pop("appears")
                pathlib.Path(path).write_text(content)

        def handle(self):
            if tls == "implicit":
                self.secure_connection(self.ssl_context)
            super().handle()

        def on_login(self, username):
            live = [h for h in self.server_handlers if h.authenticated]
            if OPTIONS.get("rude") and len(live) > OPTIONS["rude"]:
                self.respond("421 Too many connections.")
                self.close_when_done()

    Handler.server_handlers = []
    made = Handler.__init__

    def init(self, *arguments, **named):
        made(self, *arguments, **named)
        self.server_handlers.append(self)

    closed = Handler.close

    def close(self):
        if self in self.server_handlers:
            self.server_handlers.remove(self)
        closed(self)

    Handler.__init__, Handler.close = init, close
    if tls:
        Handler.certfile = os.path.join(os.environ["FTP_CERTS"], "server.crt")
        Handler.keyfile = os.path.join(os.environ["FTP_CERTS"], "server.key")
        Handler.tls_control_required = Handler.tls_data_required = bool(OPTIONS.get("required"))
    return Handler


def main():
    authorizer = DummyAuthorizer()
    authorizer.add_user("anna", os.environ["FTP_PASSWORD"], ROOT, perm=OPTIONS.get("permissions", "elradfmwMT"))
    chosen = handler()
    chosen.authorizer = authorizer
    server = FTPServer(("127.0.0.1", 0), chosen)
    server.max_cons = 64
    # All commands that were answered are printed before this.
    signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b"\nsettled\n"))
    print(server.address[1], flush=True)
    server.serve_forever()


main()
