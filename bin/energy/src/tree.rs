//! Files in which the system shows sensors.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// Access to files; tests bring one of their own.
pub trait Files: Send + Sync {
    /// The text of a file.
    fn read(&self, path: &Path) -> io::Result<String>;

    /// Names in a folder.
    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        std::fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }
}

/// The system's.
struct System;

impl Files for System {
    fn read(&self, path: &Path) -> io::Result<String> {
        std::fs::read_to_string(path)
    }
}

/// The folder that holds `class` and `devices`: `/sys`, or a simulation of it.
#[derive(Clone)]
pub struct Tree {
    root: PathBuf,
    files: Arc<dyn Files>,
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Default for Tree {
    fn default() -> Self {
        Self::at("/sys")
    }
}

impl Tree {
    /// Below this folder.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self::with_files(root, Arc::new(System))
    }

    /// Below this folder, read through `files`.
    pub fn with_files(root: impl Into<PathBuf>, files: Arc<dyn Files>) -> Self {
        Self { root: root.into(), files }
    }

    /// ` below FOLDER` if that is not the system's: what is simulated must be told from what is measured.
    pub(crate) fn mark(&self) -> String {
        if self.root == Path::new("/sys") { String::new() } else { format!(" below {}", self.root.display()) }
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.join(below)
    }

    /// Paths of what a folder holds that begins with `prefix`, in the order of their numbers; none if there is no folder.
    pub(crate) fn entries(&self, folder: &Path, prefix: &str) -> Result<Vec<PathBuf>, String> {
        let mut names = match self.files.list(folder) {
            Ok(names) => names,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(format!("{} cannot be listed: {error}", folder.display())),
        };
        names.retain(|name| name.starts_with(prefix));
        // hwmon2 before hwmon10.
        names.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
        Ok(names.into_iter().map(|name| folder.join(name)).collect())
    }

    /// The text of a file without the white space around it; `None` if it is not there or cannot be read.
    pub(crate) fn text(&self, path: &Path) -> Option<String> {
        Some(self.files.read(path).ok()?.trim().to_owned())
    }

    /// Whether there is something to read or to be refused.
    pub(crate) fn has(&self, path: &Path) -> bool {
        !matches!(self.files.read(path), Err(error) if error.kind() == ErrorKind::NotFound)
    }

    /// The number in a file. Err: why there is none, and `permission` on what to do if this user may not read it.
    pub(crate) fn number(&self, path: &Path, permission: &str) -> Result<u64, String> {
        self.parsed(path, permission)
    }

    /// [`Tree::number`] without the sign that it may have.
    pub(crate) fn magnitude(&self, path: &Path, permission: &str) -> Result<u64, String> {
        self.parsed(path, permission).map(i64::unsigned_abs)
    }

    fn parsed<N: FromStr>(&self, path: &Path, permission: &str) -> Result<N, String> {
        let shown = path.display();
        match self.files.read(path) {
            Ok(text) => text.trim().parse().map_err(|_| {
                format!("{shown} holds `{}` where a whole number was expected", text.trim().escape_default())
            }),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                Err(format!("this user may not read {shown}: {permission}"))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(format!("{shown} is not there any more"))
            }
            Err(error) => Err(format!("{shown} cannot be read: {error}")),
        }
    }

    /// [`Tree::number`] of a file that is read again and again.
    pub(crate) fn reader(
        &self,
        path: PathBuf,
        permission: String,
    ) -> impl FnMut() -> Result<u64, String> + Send + 'static {
        let tree = self.clone();
        move || tree.number(&path, &permission)
    }
}
