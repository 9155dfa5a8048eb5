//! Writing the zip: members are hashed on their way, and the file appears under its name only
//! when it is complete.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::manifest::Member;
use crate::destination::{Destination, Readers, What};
use crate::error::Result;
use crate::hex::hex;

/// A zip that is being written, in a temporary file beside its target.
pub(super) struct ArchiveWriter {
    zip: ZipWriter<Target>,
    file: Destination,
    members: BTreeMap<String, Member>,
}

/// The temporary file. After a failure it only keeps account of its length: the zip writer writes
/// the end of the zip when it is dropped, and on a full disk that would only fail again.
struct Target {
    file: BufWriter<File>,
    position: u64,
    end: u64,
    failed: bool,
}

impl Target {
    fn attempt<T>(
        &mut self,
        act: impl FnOnce(&mut BufWriter<File>) -> io::Result<T>,
        otherwise: T,
    ) -> io::Result<T> {
        if self.failed {
            return Ok(otherwise);
        }
        let result = act(&mut self.file);
        self.failed = result.is_err();
        result
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.attempt(|file| file.write(bytes), bytes.len())?;
        self.position += written as u64;
        self.end = self.end.max(self.position);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.attempt(Write::flush, ())
    }
}

impl Seek for Target {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let otherwise = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
            SeekFrom::End(distance) => self.end.checked_add_signed(distance),
        };
        let otherwise = otherwise.ok_or(io::ErrorKind::InvalidInput)?;
        self.position = self.attempt(|file| file.seek(to), otherwise)?;
        Ok(self.position)
    }
}

/// Hashes and counts what goes into one member.
pub(super) struct MemberWriter<'a> {
    archive: &'a mut ArchiveWriter,
    name: &'a str,
    hash: Sha256,
    size: u64,
}

impl ArchiveWriter {
    /// Begins a zip that will be called `path`. The temporary file is readable only by its owner.
    ///
    /// # Errors
    /// [`Kind::File`](crate::error::Kind::File): `path` is no plain file, or its folder is not there
    /// or cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let file = Destination::create(path, What::Package, Readers::Owner)?;
        let target = Target {
            file: BufWriter::with_capacity(1 << 16, file.handle()?),
            position: 0,
            end: 0,
            failed: false,
        };
        Ok(Self {
            zip: ZipWriter::new(target),
            file,
            members: BTreeMap::new(),
        })
    }

    /// The members so far.
    pub fn members(&self) -> &BTreeMap<String, Member> {
        &self.members
    }

    /// Begins a member; [`MemberWriter::finish`] ends it.
    pub fn member<'a>(&'a mut self, name: &'a str) -> Result<MemberWriter<'a>> {
        // ZIP64 fields for all: the size of a stream is not known before.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .large_file(true)
            .unix_permissions(0o600);
        self.zip
            .start_file(name, options)
            .map_err(|error| self.file.broken(error.into()))?;
        Ok(MemberWriter {
            archive: self,
            name,
            hash: Sha256::new(),
            size: 0,
        })
    }

    /// Adds a member that is in memory.
    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<()> {
        let mut member = self.member(name)?;
        member.write(content)?;
        member.finish();
        Ok(())
    }

    /// Completes the zip and forces it to the disk; it still has its temporary name.
    pub fn finish(self) -> Result<Finished> {
        let Self { zip, file, .. } = self;
        let target = zip.finish().map_err(|error| file.broken(error.into()))?;
        target
            .file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|file| file.sync_all())
            .map_err(|error| file.broken(error))?;
        Ok(Finished { file })
    }
}

impl MemberWriter<'_> {
    /// Adds to the member.
    pub fn write(&mut self, content: &[u8]) -> Result<()> {
        self.hash.update(content);
        self.size += content.len() as u64;
        let archive = &mut *self.archive;
        archive
            .zip
            .write_all(content)
            .map_err(|error| archive.file.broken(error))
    }

    /// Ends the member.
    pub fn finish(self) {
        let member = Member {
            sha256: hex(&self.hash.finalize()),
            size: self.size,
        };
        self.archive.members.insert(self.name.to_owned(), member);
    }
}

/// A complete zip that waits for its name.
pub(super) struct Finished {
    file: Destination,
}

impl Finished {
    /// Gives the zip its name, replacing what had it.
    pub fn publish(self) -> Result<()> {
        self.file.publish()
    }
}
