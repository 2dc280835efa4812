//! A tree of sensors in a folder of its own, and a clock that goes only when it is told to.

#![allow(dead_code, reason = "not every test uses all of it")]

use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use zkwatt_energy::{Clock, Files, Tree};

/// Files below a folder, some of which this user may not read.
pub struct Simulation {
    folder: TempDir,
    now_us: Arc<AtomicU64>,
    access: Arc<Access>,
}

#[derive(Default)]
struct Access {
    /// Permission bits do not bind root, who may run these tests.
    denied: Mutex<HashSet<PathBuf>>,
    reads: AtomicU64,
}

impl Files for Access {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if self.denied.lock().unwrap().contains(path) {
            return Err(ErrorKind::PermissionDenied.into());
        }
        std::fs::read_to_string(path)
    }
}

impl Simulation {
    /// With these files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let simulation = Self { folder, now_us: Arc::default(), access: Arc::default() };
        files.iter().for_each(|(path, text)| simulation.set(path, text));
        simulation
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Writes a file, with the line feed that the kernel ends it with.
    pub fn set(&self, file: &str, text: impl std::fmt::Display) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, format!("{text}\n")).unwrap();
    }

    /// The same at once, for files that somebody may read meanwhile.
    pub fn replace(&self, file: &str, text: impl std::fmt::Display) {
        self.set("new", text);
        std::fs::rename(self.path("new"), self.path(file)).unwrap();
    }

    /// Waits until somebody has begun to read and has read since this call.
    pub fn wait_for_a_reading(&self) {
        let (begun, start) = (self.access.reads.load(Ordering::SeqCst), Instant::now());
        // The first may have begun before.
        while self.access.reads.load(Ordering::SeqCst) < begun + 2 {
            assert!(start.elapsed() < Duration::from_secs(60), "nobody reads");
            std::thread::yield_now();
        }
    }

    pub fn remove(&self, file: &str) {
        std::fs::remove_file(self.path(file)).unwrap();
    }

    pub fn deny(&self, file: &str) {
        self.access.denied.lock().unwrap().insert(self.path(file));
    }

    pub fn pass(&self, time: Duration) {
        self.now_us.fetch_add(time.as_micros() as u64, Ordering::Relaxed);
    }

    pub fn tree(&self) -> Tree {
        Tree::with_files(self.folder.path(), self.access.clone())
    }

    pub fn clock(&self) -> Clock {
        let now = self.now_us.clone();
        Arc::new(move || Duration::from_micros(now.load(Ordering::Relaxed)))
    }
}

/// Asserts that a figure is right within 1 %.
#[track_caller]
pub fn within_one_per_cent(figure: f64, expected: f64) {
    assert!((figure / expected - 1.0).abs() <= 0.01, "{figure} instead of {expected}");
}

/// Asserts that a reason holds all of these.
#[track_caller]
pub fn says(reason: &str, parts: &[&str]) {
    for part in parts {
        assert!(reason.contains(part), "`{part}` is not in: {reason}");
    }
}
