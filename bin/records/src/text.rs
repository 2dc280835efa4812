//! Text from records, which anybody may have written, made fit for a terminal and a page.

/// Characters that a text of a record may have.
const LONGEST: usize = 300;

/// The text without characters that steer a terminal, hide, or reorder what is around them, and not endless. Escaping
/// for HTML, Markdown or CSV is left to who writes these.
pub fn plain(text: &str) -> String {
    let mut out: String =
        text.chars().take(LONGEST).map(|c| if unprintable(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

fn unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The text within HTML, also within a quoted attribute.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// JSON within a `script` element, which only `</` could leave.
pub fn script(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// A space without width, between what would be a link together. No escape does it: sites look for names, issues and
/// addresses in the text that a page shows.
const BREAK: &str = "&#8203;";

/// The text within a cell of a Markdown table, which renderers may take as HTML. It mentions nobody, refers to no issue, and
/// links nowhere.
pub fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '~' | '$' => out.extend(['\\', c]),
            '@' | '#' => out.extend([&text[at..=at], BREAK]),
            ':' if text[at..].starts_with("://") => out.extend([":", BREAK]),
            '.' if text[..at].to_ascii_lowercase().ends_with("www") => out.extend([BREAK, "."]),
            c => out.push(c),
        }
    }
    out
}

/// The text as a field of CSV. A spreadsheet would run what begins as a formula.
pub fn csv(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{guard}{}\"", text.replace('"', "\"\"")),
        false => format!("{guard}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_replaced() {
        assert_eq!(plain("a\u{1b}[31m\nb\u{202e}c\u{200b}"), "a\u{fffd}[31m\u{fffd}b\u{fffd}c\u{fffd}");
        assert_eq!(plain("AMD Ryzen™ 9 µ é"), "AMD Ryzen™ 9 µ é");
        assert_eq!(plain(&"x".repeat(1000)).chars().count(), LONGEST + 1);
    }

    #[test]
    fn markup_is_text() {
        assert_eq!(html("<b a=\"1\" c='2'>&"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
        assert_eq!(markdown("a|b<i>*"), "a\\|b&lt;i&gt;\\*");
        assert_eq!(markdown("@one #12 a/b#3"), "@&#8203;one #&#8203;12 a/b#&#8203;3");
        let addresses = markdown("https://example.com Www.example.com a@example.com");
        assert_eq!(addresses, "https:&#8203;//example.com Www&#8203;.example.com a@&#8203;example.com");
        assert_eq!(script("\"</script>\""), "\"\\u003c/script\\u003e\"");
        assert_eq!(csv("=1+1,\"x\""), "\"'=1+1,\"\"x\"\"\"");
        assert_eq!(csv("plain"), "plain");
    }
}
