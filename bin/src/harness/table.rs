//! The one style of tables.

use comfy_table::{CellAlignment, Table as Inner};
pub use zkwatt_records::numbers::{bytes, ratio, seconds, si};

/// Columns that every table stays within.
pub const WIDTH: usize = 100;

/// A table of results.
#[derive(Clone, Debug)]
pub struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    left: Vec<usize>,
    shared: Vec<usize>,
}

impl Table {
    /// A table with these headers, units included. Columns align right.
    pub fn new(header: &[&'static str]) -> Self {
        Self { header: header.to_vec(), rows: Vec::new(), left: vec![0], shared: Vec::new() }
    }

    /// Columns of text, which align left.
    pub fn left(self, columns: &[usize]) -> Self {
        Self { left: columns.to_vec(), ..self }
    }

    /// Columns that move to a line above the table when all rows that have a value there agree on it.
    pub fn shared(self, columns: &[usize]) -> Self {
        Self { shared: columns.to_vec(), ..self }
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, mut cells: Vec<String>) {
        cells.resize(self.header.len(), String::new());
        self.rows.push(cells);
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, each within [`WIDTH`]. Columns that are empty in every row are left out.
    pub fn render(&self) -> String {
        use comfy_table::{ContentArrangement, LineStyle, presets};
        let (mut above, mut used) = (Vec::new(), Vec::new());
        for c in 0..self.header.len() {
            let mut cells = self.rows.iter().map(|row| row[c].as_str()).filter(|cell| !cell.is_empty());
            let Some(first) = cells.next() else { continue };
            if self.shared.contains(&c) && cells.all(|cell| cell == first) {
                above.push(format!("{}: {first}", self.header[c]));
            } else {
                used.push(c);
            }
        }
        let mut table = Inner::new();
        table
            .load_style(presets::NOTHING.header_separator(LineStyle::none().fill('─').junction('─')))
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(WIDTH as u16)
            .set_header(used.iter().map(|&c| self.header[c]));
        for row in &self.rows {
            table.add_row(used.iter().map(|&c| row[c].as_str()));
        }
        for (position, c) in used.iter().enumerate() {
            if let Some(column) = table.column_mut(position)
                && !self.left.contains(c)
            {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        format!("{}{}", above_table(&above), table.trim_fmt())
    }
}

/// What the rows share, in lines within [`WIDTH`], and an empty line; nothing for nothing.
fn above_table(shared: &[String]) -> String {
    let mut text = String::new();
    let mut column = 0;
    for (i, part) in shared.iter().enumerate() {
        let comma = if i + 1 < shared.len() { "," } else { "" };
        let needs = 1 + part.chars().count() + comma.len();
        if column > 0 && column + needs > WIDTH {
            text.push('\n');
            column = 0;
        }
        text.push_str(&format!(" {part}{comma}"));
        column += needs;
    }
    if text.is_empty() { text } else { text + "\n\n" }
}

/// Lines of `text` within [`WIDTH`], those after the first moved in by `indent`. What stands between backticks stays whole: it is to
/// be copied.
pub fn wrapped(text: &str, indent: usize) -> String {
    let mut quoted = false;
    let words = text.split(|c: char| {
        quoted ^= c == '`';
        c == ' ' && !quoted
    });
    let (mut lines, mut column) = (String::new(), 0);
    for word in words {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            lines.push_str(&format!("\n{:indent$}", ""));
            column = indent;
        } else if column > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += width;
    }
    lines + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_the_width() {
        let mut table = Table::new(&["operation", "implementation", "median", "empty"]).left(&[0, 1]);
        table.row(vec!["a long name ".repeat(9), "another long name ".repeat(6), "12.3 ms".into()]);
        table.row(vec!["short".into()]);
        let text = table.render();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(!text.contains("empty"));
    }

    #[test]
    fn notes_wrap_outside_of_commands() {
        let text = wrapped(&format!("note: {}`sudo chmod a+r file` at the end", "a word ".repeat(12)), 6);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(matches!(lines[..], [_, "      `sudo chmod a+r file` at the end"]), "{text}");
        assert_eq!(wrapped("note: short", 6), "note: short\n");
    }

    #[test]
    fn shared_columns_move_above() {
        let mut table = Table::new(&["operation", "log n", "threads"]).shared(&[1, 2]);
        table.row(vec!["a".into(), "16".into(), "1".into()]);
        table.row(vec!["b".into(), "16".into(), "2".into()]);
        let text = table.render();
        assert!(text.starts_with(" log n: 16\n"), "{text}");
        assert!(!text.lines().any(|line| line.contains("operation") && line.contains("log n")));
        assert!(text.lines().any(|line| line.contains("operation") && line.contains("threads")));
    }
}
