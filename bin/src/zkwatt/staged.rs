//! Several files that are written whole before the first of them appears.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use zkwatt::{Error, Result};
use zkwatt_harness::interrupt::{make, remove, unfinished};

/// Who may read a file.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever the system's defaults say.
    Public,
    /// Its owner, where the system knows owners.
    Owner,
}

/// Files under temporary names beside their own; [`Staged::commit`] renames them all. Dropped before that, or when the
/// process is interrupted, they are removed, and directories that were made.
#[derive(Debug, Default)]
pub struct Staged {
    files: Vec<Reserved>,
    /// Made by us, the outermost first.
    directories: Vec<PathBuf>,
}

#[derive(Debug)]
struct Reserved {
    temporary: PathBuf,
    /// What it is renamed to.
    target: PathBuf,
    /// As it was asked for, which may be a symbolic link.
    name: PathBuf,
}

impl Staged {
    /// Makes `directory` and its parents where they are missing, so that a bad name is found before the work.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn directory(&mut self, directory: &Path) -> Result<()> {
        let missing: Vec<&Path> =
            directory.ancestors().take_while(|d| !d.as_os_str().is_empty() && !d.exists()).collect();
        for d in missing.into_iter().rev() {
            make(d, || fs::create_dir(d)).map_err(|e| Error::io(d, e))?;
            self.directories.push(d.to_owned());
        }
        if !directory.as_os_str().is_empty() && !directory.is_dir() {
            return Err(Error::io(directory, io::Error::from(io::ErrorKind::NotADirectory)));
        }
        Ok(())
    }

    /// Reserves the name of a file that [`Staged::write`] will fill, so that one that cannot be written is found before
    /// the work. A symbolic link stays; what it names is replaced.
    ///
    /// # Errors
    /// [`Error::Io`], also for what is there and no file, as a rename would put a file in its place.
    pub fn reserve(&mut self, path: &Path, access: Access) -> Result<()> {
        let refuse = |reason: &str| Err(Error::io(path, io::Error::other(reason.to_owned())));
        if path.is_dir() {
            return Err(Error::io(path, io::Error::from(io::ErrorKind::IsADirectory)));
        }
        if path.exists() && !path.is_file() {
            return refuse("it is there and no file; name a file, which then appears when it is whole");
        }
        let target = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => {
                fs::canonicalize(path).map_err(|e| Error::io(path, e))?
            }
            _ => path.to_owned(),
        };
        if self.files.iter().any(|file| file.target == target) {
            return refuse("two outputs have this name");
        }
        let Some(name) = target.file_name() else {
            return Err(Error::io(path, io::Error::from(io::ErrorKind::InvalidInput)));
        };
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}.tmp", std::process::id()));
        let temporary = target.with_file_name(temporary);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if access == Access::Owner {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        #[cfg(not(unix))]
        let _ = access;
        make(&temporary, || options.open(&temporary)).map_err(|e| Error::io(path, e))?;
        self.files.push(Reserved { temporary, target, name: path.to_owned() });
        Ok(())
    }

    /// Writes a file that was reserved.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let reserved = self.files.iter().find(|file| file.name == path);
        let temporary = reserved.map_or(path, |file| &file.temporary);
        let write = || -> io::Result<()> {
            let mut file: File = OpenOptions::new().write(true).truncate(true).open(temporary)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|e| Error::io(path, e))
    }

    /// Lets all files appear under their names.
    ///
    /// # Errors
    /// [`Error::Io`] if a name was taken by a directory meanwhile.
    pub fn commit(mut self) -> Result<()> {
        if let Some(file) = self.files.iter().find(|file| file.target.is_dir()) {
            return Err(Error::io(&file.name, io::Error::from(io::ErrorKind::IsADirectory)));
        }
        let mut unfinished = unfinished();
        for file in &self.files {
            fs::rename(&file.temporary, &file.target).map_err(|e| Error::io(&file.name, e))?;
        }
        unfinished.retain(|path| !self.made(path));
        drop(unfinished);
        self.files.clear();
        self.directories.clear();
        Ok(())
    }

    fn made(&self, path: &Path) -> bool {
        self.directories.iter().any(|directory| directory == path)
            || self.files.iter().any(|file| file.temporary == path)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        self.files.iter().for_each(|file| remove(&file.temporary));
        self.directories.iter().rev().for_each(|directory| remove(directory));
        unfinished().retain(|path| !self.made(path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_or_nothing() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("a/b");
        let mut staged = Staged::default();
        staged.directory(&directory).unwrap();
        staged.reserve(&directory.join("one"), Access::Public).unwrap();
        drop(staged);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);

        let mut staged = Staged::default();
        staged.directory(&directory).unwrap();
        let (one, two) = (directory.join("one"), directory.join("two"));
        staged.reserve(&one, Access::Public).unwrap();
        staged.reserve(&two, Access::Owner).unwrap();
        staged.write(&one, b"1").unwrap();
        staged.write(&two, b"2").unwrap();
        assert!(!one.exists());
        staged.commit().unwrap();
        assert_eq!((fs::read(&one).unwrap(), fs::read(&two).unwrap()), (b"1".to_vec(), b"2".to_vec()));
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&two).unwrap().permissions().mode() & 0o777, 0o600);
        }

        let mut staged = Staged::default();
        staged.reserve(&one, Access::Public).unwrap();
        let error = staged.reserve(&one, Access::Public).unwrap_err();
        assert!(error.to_string().contains("two outputs have this name"), "{error}");
        drop(staged);

        let mut staged = Staged::default();
        assert!(staged.directory(&one).is_err());
        assert!(staged.directory(&one.join("below")).is_err());
        assert!(staged.reserve(&directory, Access::Public).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn links_stay_and_what_is_no_file_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let (file, link) = (root.path().join("file"), root.path().join("link"));
        fs::write(&file, b"old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let mut staged = Staged::default();
        staged.reserve(&link, Access::Public).unwrap();
        assert!(staged.reserve(&file, Access::Public).is_err());
        staged.write(&link, b"new").unwrap();
        staged.commit().unwrap();
        assert!(link.is_symlink() && !file.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");

        let dangling = root.path().join("dangling");
        std::os::unix::fs::symlink(root.path().join("absent"), &dangling).unwrap();
        for path in [Path::new("/dev/null"), &dangling] {
            assert!(Staged::default().reserve(path, Access::Public).is_err(), "{path:?}");
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 3);
    }
}
