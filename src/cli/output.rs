//! The only file that writes to the terminal: data to standard output, talk to standard error.

use std::io::{IsTerminal, Write};

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteDiagnostic, NamedSource};
use serde::Serialize;

use super::error::CliError;

/// Writes a text and a line end to standard output. A reader that has gone away is no failure.
pub(super) fn data(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
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
    let Some(place) = &error.place else {
        return talk(&format!("error: failed to {}", error.message));
    };
    let (line, column) = place.line_and_column();
    let headline = format!("failed to read {}:{line}:{column}", place.file);
    let mut diagnostic = MietteDiagnostic::new(headline)
        .with_label(LabeledSpan::at(place.span.clone(), place.message.clone()));
    diagnostic.help.clone_from(&place.help);
    let theme = if std::io::stderr().is_terminal() {
        GraphicalTheme::unicode()
    } else {
        GraphicalTheme::unicode_nocolor()
    };
    let source = NamedSource::new(&place.file, place.text.clone());
    let report = miette::Report::from(diagnostic).with_source_code(source);
    let mut shown = String::new();
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
    if handler.render_report(&mut shown, report.as_ref()).is_err() {
        shown = format!("error: failed to {}", error.message);
    }
    talk(shown.trim_end());
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

/// Lays rows out in columns, two spaces apart; the first row is the head.
pub(super) fn table(rows: &[Vec<String>]) -> String {
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
