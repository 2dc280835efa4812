//! Writing records as JSON Lines.

use crate::record::Record;
use crate::{environment, interrupt};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::str::FromStr;
use zkwatt::{Error, Result};

/// Where `--json` goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `-`: standard output; the table then goes to standard error.
    Stdout,
    /// A file, which appears under its name only when it is complete.
    File(PathBuf),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "" => Err("expected a file name, or `-` for standard output".into()),
            "-" => Ok(Self::Stdout),
            path => Ok(Self::File(path.into())),
        }
    }
}

/// A writer of records. A file is written under a temporary name beside it; [`Writer::finish`] renames it, and
/// dropping the writer without that removes it, as an interrupt does.
pub struct Writer(Sink);

enum Sink {
    Stdout(io::Stdout),
    File { file: Option<BufWriter<File>>, temporary: PathBuf, path: PathBuf },
}

impl Writer {
    /// Opens the target, so that a name that cannot be written is found before anything is measured.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(target: &Target) -> Result<Self> {
        let path = match target {
            Target::Stdout => return Ok(Self(Sink::Stdout(io::stdout()))),
            Target::File(path) => path.clone(),
        };
        let mut name = path.file_name().map(ToOwned::to_owned).unwrap_or_default();
        name.push(format!(".{}.tmp", std::process::id()));
        let temporary = path.with_file_name(name);
        if path.is_dir() {
            return Err(Error::io(path, io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let file =
            interrupt::make(&temporary, || File::create(&temporary)).map_err(|e| Error::io(&temporary, e))?;
        Ok(Self(Sink::File { file: Some(BufWriter::new(file)), temporary, path }))
    }

    /// Writes one line. What a record does not say of its build and machine is said of this one.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&mut self, record: &Record) -> Result<()> {
        let (out, path): (&mut dyn Write, _) = match &mut self.0 {
            Sink::Stdout(out) => (out, PathBuf::from("standard output")),
            Sink::File { file: Some(file), temporary, .. } => (file, temporary.clone()),
            Sink::File { file: None, .. } => return Ok(()),
        };
        let mut record = record.clone();
        let machine = environment::machine();
        record.commit = record.commit.or_else(|| environment::commit().map(Into::into));
        record.machine = record.machine.or_else(|| Some(machine.machine()));
        record.system_software = record.system_software.or_else(|| Some(machine.os.clone()));
        record.governor = record.governor.or_else(|| machine.governor.clone());
        let mut line = serde_json::to_vec(&record)
            .map_err(|e| Error::format("measurement record", format!("cannot be written as JSON: {e}")))?;
        line.push(b'\n');
        out.write_all(&line).and_then(|()| out.flush()).map_err(|e| Error::io(path, e))
    }

    /// Completes the output.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn finish(mut self) -> Result<()> {
        match &mut self.0 {
            Sink::Stdout(out) => out.flush().map_err(|e| Error::io("standard output", e)),
            Sink::File { file, temporary, path } => {
                if let Some(mut open) = file.take() {
                    let synced = open.flush().and_then(|()| open.get_ref().sync_all());
                    drop(open);
                    let mut unfinished = interrupt::unfinished();
                    let renamed = synced.and_then(|()| std::fs::rename(&*temporary, &*path));
                    unfinished.retain(|path| path != temporary);
                    if let Err(e) = renamed {
                        interrupt::remove(temporary);
                        return Err(Error::io(path.clone(), e));
                    }
                }
                Ok(())
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Sink::File { file, temporary, .. } = &mut self.0
            && file.take().is_some()
        {
            interrupt::remove(temporary);
            interrupt::unfinished().retain(|path| path != temporary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &std::path::Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn complete_file_appears_once_finished() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.jsonl");
        let mut writer = Writer::open(&Target::File(path.clone())).unwrap();
        writer.write(&Record::new("ntt")).unwrap();
        writer.write(&Record::new("msm_g1")).unwrap();
        assert!(!path.exists());
        writer.finish().unwrap();
        assert_eq!(names(directory.path()), ["out.jsonl"]);
        let text = std::fs::read_to_string(path).unwrap();
        let records: Vec<Record> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(records.iter().map(|record| record.op.as_str()).eq(["ntt", "msm_g1"]));
        assert!(records.iter().all(|record| record.machine.is_some() && record.system_software.is_some()));
    }

    #[test]
    fn failure_leaves_nothing_and_keeps_the_old_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out.jsonl");
        std::fs::write(&path, "old").unwrap();
        let mut writer = Writer::open(&Target::File(path.clone())).unwrap();
        writer.write(&Record::new("ntt")).unwrap();
        drop(writer);
        assert_eq!(names(directory.path()), ["out.jsonl"]);
        assert_eq!(std::fs::read_to_string(path).unwrap(), "old");
    }

    #[test]
    fn unwritable_name_is_an_error_at_once() {
        let directory = tempfile::tempdir().unwrap();
        assert!(Writer::open(&Target::File(directory.path().join("no/such/out.jsonl"))).is_err());
        assert!(Writer::open(&Target::File(directory.path().to_owned())).is_err());
        assert!(names(directory.path()).is_empty());
    }
}
