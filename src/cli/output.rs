//! The only file that writes to the terminal: data to standard output, talk to standard error.

use std::io::{IsTerminal, Write};
use std::ops::Range;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource};
use serde::Serialize;

use super::error::CliError;

/// The first failure to write to standard output.
static BROKEN: std::sync::OnceLock<String> = std::sync::OnceLock::new();

/// Writes a text and a line end to standard output. A reader that has gone away is no failure; any
/// other is kept for [`broken`].
pub(super) fn data(text: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        let _ = BROKEN.set(error.to_string());
    }
}

/// Why standard output did not take what was written to it; none where it took all.
pub(super) fn broken() -> Option<&'static str> {
    BROKEN.get().map(String::as_str)
}

/// Writes a value as JSON to standard output.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(CliError::internal)?;
    data(&text);
    Ok(())
}

/// Writes a line to standard error.
pub(super) fn talk(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Writes a question to standard error, without a line end.
pub(super) fn ask(question: &str) {
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "{question}").and_then(|()| err.flush());
}

/// Shows a failure: in the file where it has a place there.
pub(super) fn error(error: &CliError) {
    if error.message.is_empty() {
        return;
    }
    let Some(place) = &error.place else {
        return talk(&format!("error: failed to {}", error.message));
    };
    let (line, column) = place.line_and_column();
    let headline = format!("failed to read {}:{line}:{column}", place.file);
    let (text, span) = window(&place.text, &place.span);
    let mut diagnostic =
        MietteDiagnostic::new(headline).with_label(LabeledSpan::at(span, clipped(&place.message)));
    diagnostic.help = place.help.as_deref().map(clipped);
    let theme = if std::io::stderr().is_terminal() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let source = NamedSource::new(&place.file, text);
    let report = miette::Report::from(diagnostic).with_source_code(source);
    let mut shown = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
    if handler.render_report(&mut shown, report.as_ref()).is_err() {
        shown = format!("error: failed to {}", error.message);
    }
    talk(shown.trim_end());
}

/// Longest line, message and cell that is shown whole, in characters.
const SHOWN: usize = 400;

/// The text as it can be shown: where the line of the span is very long, what stands around it.
fn window(text: &str, span: &Range<usize>) -> (String, Range<usize>) {
    let start = text.get(..span.start).and_then(|t| t.rfind('\n')).map_or(0, |at| at + 1);
    let end =
        text.get(span.start..).and_then(|t| t.find('\n')).map_or(text.len(), |at| at + span.start);
    if end - start <= SHOWN {
        return (text.to_owned(), span.clone());
    }
    let from = text.floor_char_boundary(span.start.saturating_sub(SHOWN / 2).max(start));
    let to = text.ceil_char_boundary((span.start + SHOWN / 2).min(end));
    let shown = text.get(from..to).unwrap_or_default();
    let last = shown.len();
    (shown.to_owned(), (span.start - from).min(last)..(span.end.saturating_sub(from)).min(last))
}

/// A text that is cut off where it is very long.
fn clipped(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A path as a shell reads it back as one word.
pub(super) fn shell_word(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:@,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A count with its noun.
pub(super) fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Lays rows out in columns, two spaces apart; the first row is the head.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| clipped(cell)).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::PlaceError;

    #[test]
    fn a_fault_far_out_in_a_long_line_is_shown_in_its_surroundings() {
        let text = format!("first\n{}here{}\nlast", "é".repeat(70_000), "x".repeat(70_000));
        let at = text.find("here").unwrap();
        let (shown, span) = window(&text, &(at..at + 4));
        assert_eq!(shown.get(span), Some("here"));
        assert!(shown.len() < 2 * SHOWN, "{}", shown.len());
        let message = "m".repeat(70_000);
        let mut place = PlaceError::new("wide.json", &text, at..at + 4, message);
        place.help = Some("h".repeat(70_000));
        error(&CliError::from(place));
        assert_eq!(window("a\nbc\nd", &(2..4)), ("a\nbc\nd".to_owned(), 2..4));
    }

    #[test]
    fn a_table_cuts_off_what_no_terminal_can_show() {
        let shown = table(&[vec!["name".to_owned()], vec!["n".repeat(70_000)]]);
        assert!(shown.chars().count() < 3 * SHOWN, "{}", shown.len());
    }
}
