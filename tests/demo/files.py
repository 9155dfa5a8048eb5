"""The part of the demo that is about files: a project for the clone, and photos from it."""

import contextlib
import os
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "ftp"))

import vsftpd  # noqa: E402

PROJECT = """<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis projectname="Field survey" version="3.22.16">
  <projectlayers>
    <maplayer type="vector" geometry="Point">
      <id>cities_1</id>
      <datasource>dbname='field_survey' host=127.0.0.1 port={port} user='postgres' password='{password}' key='id' \
table="gis"."cities" (geom)</datasource>
      <layername>Cities</layername>
      <provider encoding="">postgres</provider>
    </maplayer>
  </projectlayers>
</qgis>
"""

SHOWN = ("service=", "dbname=", "host=", "port=", "user=", "password=")


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


@contextlib.contextmanager
def server(demo):
    """The FTP server of the central, with a project, and its password where users keep it."""
    # Of its own: the server runs as another user when this program is root.
    place = tempfile.TemporaryDirectory(prefix="lizsync-ftp-")
    os.chmod(place.name, 0o755)
    root = pathlib.Path(place.name) / "ftp"
    central = demo.running["central"]
    project = PROJECT.format(port=central.port, password=central.password)
    write(root / "projects", {"survey.qgs": project, "survey.qgs.cfg": "{}", "media/legend.txt": "Cities\n"})
    netrc = demo.directory / "netrc"
    netrc.touch(mode=0o600)
    netrc.write_text("machine 127.0.0.1 login anonymous password demo@example.org\n", encoding="utf-8")
    demo.environment["NETRC"] = str(netrc)
    demo.environment["LIZSYNC_CONFIG_FILE"] = str(demo.directory / "LizSync.ini")
    with place, vsftpd.vsftpd(root) as port:
        print(f"   127.0.0.1:{port}")
        yield (
            root / "projects",
            {
                "CENTRAL_FTP_HOST": "127.0.0.1",
                "CENTRAL_FTP_PORT": port,
                "CENTRAL_FTP_LOGIN": "anonymous",
                "CENTRAL_FTP_REMOTE_DIR": "projects",
                "FTP_TLS": "disable",
            },
        )


def source(project):
    """The connection of the first layer of a project."""
    text = project.read_text(encoding="utf-8").split("<datasource>")[1].split("</datasource>")[0]
    return " ".join(word for word in text.split() if word.startswith(SHOWN))


def play(demo, failure):
    """Fetches the project for both clones, and brings their photos to the central."""
    demo.title("Start an FTP server for the central, with a QGIS project")
    with server(demo) as (central, account):
        for clone in ("tablet", "laptop"):
            demo.title(f"Get the project for the {clone}")
            outputs = demo.run(
                "get_projects_and_files_from_central_ftp",
                CONNECTION_NAME_CENTRAL="central",
                CONNECTION_NAME_CLONE=clone,
                CLONE_QGIS_PROJECT_FOLDER=f"{clone}-files",
                **account,
            )
            adapted = source(demo.directory / f"{clone}-files" / "survey.qgs")
            print(f"   its layer reads  {adapted}")
            if outputs["PROJECTS_ADAPTED"] != 1 or f"port={demo.running['central'].port}" in adapted:
                raise failure("The project does not read the clone.")
        photos = {"tablet": {"tower.jpg": "by the tablet", "well.jpg": "x"}, "laptop": {"tower.jpg": "by the laptop!"}}
        for clone, files in photos.items():
            write(demo.directory / f"{clone}-files" / "media" / "upload", files)
            demo.title(f"Send the photos of the {clone}: {', '.join(files)}")
            demo.run("synchronize_media_subfolder_to_ftp", LOCAL_QGIS_PROJECT_FOLDER=f"{clone}-files", **account)
        found = sorted((central / "media" / "upload").iterdir())
        print("   the server has   " + ", ".join(path.name for path in found))
        if len(found) != 3:
            raise failure("Photos are missing.")
