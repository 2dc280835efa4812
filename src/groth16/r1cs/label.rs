//! What a run of constraints or variables is for.

use core::fmt;

/// What a constraint enforces or a variable holds, and where: `layer 0, neuron 3: sign bit`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Label {
    what: &'static str,
    at: [Option<(&'static str, u32)>; 2],
}

impl Label {
    /// A label without a place.
    pub const fn new(what: &'static str) -> Self {
        Self { what, at: [None; 2] }
    }

    /// Adds a place; there is room for two, a third replaces the second.
    pub fn at(mut self, place: &'static str, index: usize) -> Self {
        let slot = usize::from(self.at[0].is_some());
        self.at[slot] = Some((place, u32::try_from(index).unwrap_or(u32::MAX)));
        self
    }

    /// The same place with another meaning.
    pub fn with(self, what: &'static str) -> Self {
        Self { what, ..self }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (place, index)) in self.at.iter().flatten().enumerate() {
            write!(f, "{}{place} {index}", if i == 0 { "" } else { ", " })?;
        }
        write!(f, "{}{}", if self.at[0].is_some() { ": " } else { "" }, self.what)
    }
}

/// Labels of consecutive items; equal neighbours share one entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Labels(Vec<(usize, Label)>);

impl Labels {
    /// Labels item `index`, which comes after all items labelled before.
    pub(super) fn push(&mut self, index: usize, label: Label) {
        if self.0.last().is_none_or(|(_, last)| *last != label) {
            self.0.push((index, label));
        }
    }

    pub(super) fn describe(&self, index: usize) -> String {
        let group = self.0.partition_point(|(first, _)| *first <= index);
        match group.checked_sub(1).map(|g| &self.0[g]) {
            Some((_, label)) => label.to_string(),
            None => "unnamed".into(),
        }
    }
}
