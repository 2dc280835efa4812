//! What a check finds.

/// How a fault shows in the driver's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    IllegalAddress,
    Misaligned,
    LaunchFailure,
    Timeout,
}

/// A violation at one thread.
#[derive(Clone, Debug)]
pub struct Fault {
    pub kind: Kind,
    /// Without the place: "out-of-bounds read of 4 bytes at 0x10, …".
    pub what: String,
    /// PTX line.
    pub line: u32,
    /// Another line that takes part, and what it did.
    pub other: Option<(u32, String)>,
    /// Thread of the block, if one is to blame.
    pub thread: Option<u32>,
}

impl Fault {
    pub fn new(kind: Kind, line: u32, thread: Option<u32>, what: impl Into<String>) -> Box<Self> {
        Box::new(Self { kind, what: what.into(), line, other: None, thread })
    }
}

pub type Checked<T> = Result<T, Box<Fault>>;

/// A fault with its launch, for people.
#[derive(Clone, Debug)]
pub struct Report {
    pub kind: Kind,
    pub text: String,
}

/// Where a fault happened.
pub struct Place<'a> {
    pub kernel: &'a str,
    pub block: [u32; 3],
    pub size: [u32; 3],
    pub source: &'a [String],
}

impl Fault {
    pub fn report(&self, place: &Place<'_>) -> Report {
        let line = |number: u32| place.source.get(number as usize - 1).map_or("", |text| text.trim());
        let [x, y, z] = place.block;
        let mut text = format!("{}\n  kernel {}, block ({x}, {y}, {z})", self.what, place.kernel);
        if let Some(thread) = self.thread {
            let [width, height, _] = place.size;
            let (x, y, z) = (thread % width, thread / width % height, thread / width / height);
            text += &format!(", thread ({x}, {y}, {z})");
        }
        text += &format!("\n  ptx line {}: {}", self.line, line(self.line.max(1)));
        if let Some((other, what)) = &self.other {
            text += &format!("\n  {what} at ptx line {other}: {}", line(*other.max(&1)));
        }
        Report { kind: self.kind, text }
    }
}
