//! Reading files within a limit; writing them whole or not at all.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result};

/// The bytes of a file of at most `limit` bytes.
pub(crate) fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|source| Error::io(path, source))?;
    if bytes.len() as u64 > limit {
        return Err(Error::format(path.display().to_string(), format!("more than {limit} bytes")));
    }
    Ok(bytes)
}

/// Writes to a new file beside `path` and renames it, so that a reader sees the old file or the new one.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let Some(name) = path.file_name() else {
        return Err(Error::invalid("path", format!("`{}` names no file", path.display())));
    };
    let mut temporary_name = name.to_os_string();
    let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
    temporary_name.push(format!(".{}-{unique}.tmp", std::process::id()));
    let temporary: PathBuf = path.with_file_name(temporary_name);
    let written = File::create_new(&temporary)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(|source| {
        // The first error is the one to report.
        let _ = std::fs::remove_file(&temporary);
        Error::io(path, source)
    })
}
