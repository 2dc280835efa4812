//! Progress on standard error, when that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of `steps` steps; it draws nothing unless standard error is a terminal.
pub fn bar(label: impl Into<String>, steps: usize) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64);
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(label.into());
    bar.tick();
    bar
}

/// A spinner for work of unknown length; it draws nothing unless standard error is a terminal.
pub fn spinner(label: impl Into<String>) -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    spinner.set_message(label.into());
    spinner.enable_steady_tick(std::time::Duration::from_millis(120));
    spinner
}
