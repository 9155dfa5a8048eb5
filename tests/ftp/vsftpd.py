"""Debian's vsftpd: an FTP server without MLSD, in C.

    python vsftpd.py ROOT

Serves ROOT to anonymous logins, which may write; prints its port, and ends with its standard input.
"""

import contextlib
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile


@contextlib.contextmanager
def vsftpd(root, **settings):
    """Debian's vsftpd without MLSD, as an ordinary user, for anonymous logins. Yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    values = {
        "listen": "YES",
        "listen_address": "127.0.0.1",
        "listen_port": port,
        "background": "NO",
        "anonymous_enable": "YES",
        "local_enable": "NO",
        "anon_root": root,
        "no_anon_password": "YES",
        "run_as_launching_user": "YES",
        "seccomp_sandbox": "NO",
        "write_enable": "YES",
        "anon_upload_enable": "YES",
        "anon_mkdir_write_enable": "YES",
        "anon_other_write_enable": "YES",
        "anon_umask": "022",
        "mdtm_write": "YES",
        "pasv_address": "127.0.0.1",
        "secure_chroot_dir": root,
        "xferlog_enable": "NO",
        **settings,
    }
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        file = pathlib.Path(place) / "vsftpd.conf"
        file.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
        command = [shutil.which("vsftpd", path="/usr/sbin:/usr/bin:/sbin"), str(file)]
        user = {}
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for path in [pathlib.Path(root), *pathlib.Path(root).rglob("*")]:
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
            os.chown(file, nobody.pw_uid, nobody.pw_gid)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **user) as process:
            try:
                wait_for(port, process)
                yield port
            finally:
                process.terminate()


def wait_for(port, process):
    """Returns when something listens on the port."""
    while True:
        if process.poll() is not None:
            raise AssertionError(process.stdout.read().decode())
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return


if __name__ == "__main__":
    with vsftpd(sys.argv[1], xferlog_enable="NO") as number:
        print(number, flush=True)
        sys.stdin.read()
