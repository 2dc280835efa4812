//! Reading and writing whole files.

use crate::error::{Error, Result};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Writes `bytes` to `path` so that at no time a part of them is found there.
///
/// The bytes go to a temporary name in the same directory, are flushed to the disk, and then take the place of `path`
/// in one step. On an error the temporary file is removed and whatever was at `path` stays.
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    let path = path.as_ref();
    let temporary = temporary_name(path).map_err(|e| Error::io(path, e))?;
    let written = write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|e| {
        // The first error is the one to report.
        let _ = fs::remove_file(&temporary);
        Error::io(path, e)
    })
}

/// The bytes of a file. Allocates what the file holds, nothing that the bytes claim.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    let path = path.as_ref();
    fs::read(path).map_err(|e| Error::io(path, e))
}

/// The bytes of a file of at most `limit` bytes; a larger one is an error and is not read to its end.
pub fn read_at_most(path: impl AsRef<Path>, limit: u64) -> Result<Vec<u8>> {
    let path = path.as_ref();
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|e| Error::io(path, e))?;
    if bytes.len() as u64 > limit {
        return Err(Error::format(path.display().to_string(), format!("more than {limit} bytes")));
    }
    Ok(bytes)
}

/// `.NAME.PID-COUNT.tmp` beside `path`: unique among processes and calls.
fn temporary_name(path: &Path) -> io::Result<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let file =
        path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))?;
    let mut name = OsString::from(".");
    name.push(file);
    name.push(format!(".{}-{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    Ok(path.with_file_name(name))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_files_and_leaves_nothing_behind() {
        let dir = std::env::temp_dir().join(format!("zkwatt-files-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let path = dir.join("file");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(read(&path).unwrap(), b"two");
        // A directory cannot be replaced by a file.
        fs::create_dir(dir.join("taken")).unwrap();
        assert!(matches!(write_atomic(dir.join("taken"), b"x"), Err(Error::Io { .. })));
        assert!(matches!(write_atomic(dir.join("absent/file"), b"x"), Err(Error::Io { .. })));
        assert!(matches!(write_atomic("/", b"x"), Err(Error::Io { .. })));
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 2);
        fs::remove_dir_all(&dir).unwrap();
    }
}
