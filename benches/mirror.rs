//! A mirror of a folder of an FTP server against lftp.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use crate::measure::{Report, timed};
use crate::support::run;

const SMALL: usize = 5_000;
const LARGE: usize = 20;

/// vsftpd; it ends with this.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start(root: &Path) -> Self {
        let mut child = Command::new("python3")
            .args(["tests/ftp/vsftpd.py", &root.display().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let port = line.trim().parse().unwrap();
        Self { child, port }
    }

    fn ours(&self, here: &Path) {
        let parameters = json!({"CONNECTION_NAME_CENTRAL": "dbname=x", "CENTRAL_FTP_HOST": "127.0.0.1",
            "CENTRAL_FTP_PORT": self.port, "CENTRAL_FTP_LOGIN": "anonymous", "CENTRAL_FTP_PASSWORD": "x",
            "CENTRAL_FTP_REMOTE_DIR": "files", "CLONE_QGIS_PROJECT_FOLDER": here, "FTP_TLS": "disable",
            "REPLACE_DATASOURCE_IN_QGIS_PROJECT": false});
        run("get_projects_and_files_from_central_ftp", parameters).unwrap();
    }

    fn lftp(&self, here: &Path) {
        let script = format!(
            "set ftp:ssl-allow no; mirror --parallel=4 files '{}'; quit",
            here.display()
        );
        let address = format!("ftp://anonymous:x@127.0.0.1:{}", self.port);
        let status = Command::new("lftp")
            .args(["-e", &script, &address])
            .status()
            .unwrap();
        assert!(status.success(), "lftp failed");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

pub fn mirror(report: &mut Report) {
    let folder = tempfile::Builder::new()
        .prefix("bench-ftp")
        .tempdir()
        .unwrap();
    let root = folder.path().join("root");
    for number in 0..SMALL {
        let place = root.join("files").join(format!("folder {}", number % 50));
        fs::create_dir_all(&place).unwrap();
        fs::write(
            place.join(format!("{number}.txt")),
            vec![b'x'; 1_000 + number],
        )
        .unwrap();
    }
    for number in 0..LARGE {
        fs::write(
            root.join("files").join(format!("{number}.bin")),
            vec![number as u8; 20 << 20],
        )
        .unwrap();
    }
    open(folder.path());
    let server = Server::start(&root);
    let (mut first, mut idle) = (Vec::new(), Vec::new());
    for round in 0..=report.runs {
        let (ours, theirs) = (folder.path().join("ours"), folder.path().join("theirs"));
        fs::create_dir(&ours).unwrap();
        fs::create_dir(&theirs).unwrap();
        let all = (timed(|| server.ours(&ours)), timed(|| server.lftp(&theirs)));
        let none = (timed(|| server.ours(&ours)), timed(|| server.lftp(&theirs)));
        if round > 0 {
            first.push(all);
            idle.push(none);
        }
        let count = |place: &Path| fs::read_dir(place.join("folder 7")).unwrap().count();
        assert_eq!([count(&ours), count(&theirs)], [SMALL / 50; 2]);
        fs::remove_dir_all(ours).unwrap();
        fs::remove_dir_all(theirs).unwrap();
    }
    let reference = "lftp mirror --parallel=4";
    report.ratio(
        "5,000 small and 20 large files over FTP",
        reference,
        first,
        1.0,
    );
    report.ratio("the same when nothing is new", reference, idle, 1.0);
}

/// The server runs as another user.
#[cfg(unix)]
fn open(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(not(unix))]
fn open(_: &Path) {}
