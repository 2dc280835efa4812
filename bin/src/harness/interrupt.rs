//! What is unfinished when this process is interrupted or ended: temporary files and folders, which are removed, and a
//! group of processes, which is killed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

/// What an interrupted or ended process exits with.
const INTERRUPTED: i32 = 130;

static UNFINISHED: Mutex<Unfinished> = Mutex::new(Unfinished {
    paths: Vec::new(),
    folders: Vec::new(),
    #[cfg(unix)]
    group: None,
});

/// What goes with an interrupted process.
#[derive(Debug)]
pub struct Unfinished {
    /// Files, and directories that go if they are empty, in the order they were made in.
    paths: Vec<PathBuf>,
    /// Folders that go with all that is in them.
    folders: Vec<PathBuf>,
    /// A group of processes that a terminal does not signal with this one.
    #[cfg(unix)]
    pub(crate) group: Option<rustix::process::Pid>,
}

impl Unfinished {
    /// Keeps those in the list of which this is true; the others stay where they are.
    pub fn retain(&mut self, mut is_unfinished: impl FnMut(&Path) -> bool) {
        self.paths.retain(|path| is_unfinished(path));
        self.folders.retain(|path| is_unfinished(path));
    }
}

/// The list; while it is held, an interrupt waits.
pub fn unfinished() -> MutexGuard<'static, Unfinished> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes what is unfinished on Ctrl-C and the like, from the first call on.
pub(crate) fn watch() {
    static HANDLER: Once = Once::new();
    HANDLER.call_once(|| {
        // Where a signal is ignored, as under nohup, it stays so.
        let _ = ctrlc::try_set_handler(|| {
            // Held to the end: nothing starts, is made or appears meanwhile.
            let unfinished = unfinished();
            #[cfg(unix)]
            if let Some(group) = unfinished.group {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            unfinished.folders.iter().for_each(|path| drop(fs::remove_dir_all(path)));
            unfinished.paths.iter().rev().for_each(|path| remove(path));
            std::process::exit(INTERRUPTED);
        });
    });
}

/// Makes a file, or a directory that others than us may fill.
///
/// # Errors
/// Of `make`; nothing is then noted.
pub fn make<T>(path: &Path, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    watch();
    let mut unfinished = unfinished();
    let made = make()?;
    unfinished.paths.push(path.to_owned());
    Ok(made)
}

/// Makes a folder of which nothing stays.
///
/// # Errors
/// Of `make`; nothing is then noted.
pub(crate) fn make_folder(path: &Path, make: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    watch();
    let mut unfinished = unfinished();
    make()?;
    unfinished.folders.push(path.to_owned());
    Ok(())
}

/// Removes a file, or a directory if it is empty.
pub fn remove(path: &Path) {
    let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
}
