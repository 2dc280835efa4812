//! A grey image as text.

/// Shades from background to ink.
const SHADES: [char; 5] = [' ', '·', '+', '#', '█'];

/// Half as many lines as rows: a character is about twice as high as wide. Blank lines at the top and bottom are left out.
pub fn lines(image: &[u8], width: usize) -> Vec<String> {
    let rows: Vec<&[u8]> = image.chunks_exact(width.max(1)).collect();
    let line = |pair: &[&[u8]]| -> String {
        let shade = |x: usize| {
            let ink = pair.iter().map(|row| usize::from(row[x])).sum::<usize>() / pair.len();
            SHADES[(ink * SHADES.len() / 256).min(SHADES.len() - 1)]
        };
        (0..width).map(shade).collect()
    };
    let mut lines: Vec<String> = rows.chunks(2).map(line).collect();
    let blank = |line: &String| line.trim().is_empty();
    while lines.last().is_some_and(blank) {
        lines.pop();
    }
    let top = lines.iter().take_while(|line| blank(line)).count();
    lines.split_off(top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_and_margins() {
        let image = [0, 0, 0, 0, 255, 0, 255, 100, 0, 0, 0, 0];
        assert_eq!(lines(&image, 2), ["█ "]);
        assert!(lines(&[0; 16], 4).is_empty());
        assert!(lines(&[], 0).is_empty());
    }
}
