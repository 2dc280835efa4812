//! A record of all that a device was told, so that other implementations of WebGPU can be told the same.

use serde::Serialize;
use std::sync::{Mutex, PoisonError};

/// One command, as the file of a recording spells it. Buffers are numbered from 0; `data` is hexadecimal.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// A new buffer, of undefined contents.
    Buffer {
        /// Its number.
        id: u64,
        /// Its size.
        bytes: u64,
    },
    /// Host data into a buffer.
    Write {
        /// The buffer.
        id: u64,
        /// Where they start.
        offset: u64,
        /// The bytes.
        data: String,
    },
    /// Zeros into a buffer.
    Clear {
        /// The buffer.
        id: u64,
        /// Where they start.
        offset: u64,
        /// How many.
        bytes: u64,
    },
    /// Part of a buffer into another.
    Copy {
        /// The source.
        from: u64,
        /// Where it starts there.
        from_offset: u64,
        /// The destination.
        to: u64,
        /// Where it starts there.
        to_offset: u64,
        /// How many bytes.
        bytes: u64,
    },
    /// A shader run.
    Dispatch {
        /// Its entry point.
        entry: String,
        /// Its text.
        shader: String,
        /// Group 0: buffer, offset, bytes, whether it is written.
        bindings: Vec<(u64, u64, u64, bool)>,
        /// The words of group 1.
        params: Vec<u32>,
        /// Workgroups.
        groups: [u32; 2],
    },
    /// What a buffer must hold now.
    Expect {
        /// The buffer.
        id: u64,
        /// Where.
        offset: u64,
        /// The bytes.
        data: String,
    },
}

/// Commands so far, if they are kept.
#[derive(Default)]
pub(super) struct Recorder(Mutex<Option<Vec<Command>>>);

impl Recorder {
    /// Starts anew.
    pub(super) fn start(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    /// Ends, with all commands.
    pub(super) fn take(&self) -> Vec<Command> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }

    /// Whether commands are kept.
    pub(super) fn on(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Keeps a command if commands are kept.
    pub(super) fn note(&self, command: impl FnOnce() -> Command) {
        if let Some(commands) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            commands.push(command());
        }
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
