//! Tables whose charts live in cells. Roles are spelled out, because the narrow layout turns rows
//! into small cards and some browsers would then forget that it is a table.

use std::borrow::Cow;

use super::super::markup::{Markup, piece};

/// Characters of a word that fit on every line.
const WHOLE: usize = 32;
/// Columns of words that fit a telephone side by side.
const WORDS: usize = 3;

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Words.
    Text,
    /// Numbers, set to the right.
    Number,
    /// A chart that takes the room that is left.
    Chart,
}

/// A column: its heading, what it holds, and an axis under the heading of a chart.
pub(crate) struct Column {
    heading: Cow<'static, str>,
    kind: Kind,
    axis: Option<Markup>,
}

impl Column {
    /// A column of words.
    pub(crate) fn text(heading: impl Into<Cow<'static, str>>) -> Self {
        Self { heading: heading.into(), kind: Kind::Text, axis: None }
    }

    /// A column of numbers.
    pub(crate) fn number(heading: impl Into<Cow<'static, str>>) -> Self {
        Self { heading: heading.into(), kind: Kind::Number, axis: None }
    }

    /// A column of charts.
    pub(crate) fn chart(heading: impl Into<Cow<'static, str>>, axis: Option<Markup>) -> Self {
        Self { heading: heading.into(), kind: Kind::Chart, axis }
    }

    fn class(&self) -> &'static str {
        match self.kind {
            Kind::Text => "text",
            Kind::Number => "number",
            Kind::Chart => "chart",
        }
    }
}

/// One cell.
pub(crate) struct Cell(Markup);

impl Cell {
    /// Plain text.
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self(piece(|m| m.text(text.as_ref())))
    }

    /// A sentence that may name things in backticks.
    pub(crate) fn prose(text: impl AsRef<str>) -> Self {
        Self(piece(|m| m.prose(text.as_ref())))
    }

    /// A name as it stands in a file.
    pub(crate) fn code(text: impl AsRef<str>) -> Self {
        Self(piece(|m| m.leaf("code", &[], text.as_ref())))
    }

    /// A command, broken between its words only.
    pub(crate) fn command(text: impl AsRef<str>) -> Self {
        Self(piece(|m| command_words(m, text.as_ref())))
    }

    /// Short text that stays on one line, such as a date.
    pub(crate) fn whole(text: impl AsRef<str>, under: impl AsRef<str>) -> Self {
        Self(piece(|m| {
            m.leaf("span", &[("class", "nowrap")], text.as_ref());
            m.leaf("small", &[], under.as_ref());
        }))
    }

    /// Text with a quiet second line.
    pub(crate) fn two(text: impl AsRef<str>, under: impl AsRef<str>) -> Self {
        Self(piece(|m| {
            m.text(text.as_ref());
            m.leaf("small", &[], under.as_ref());
        }))
    }

    /// Anything.
    pub(crate) fn markup(m: Markup) -> Self {
        Self(m)
    }
}

/// A command in a line of text. Browsers break after a hyphen, which tears options apart: short words
/// are kept whole.
pub(crate) fn command_words(m: &mut Markup, text: &str) {
    m.el("code", &[], |m| {
        for (i, word) in text.split(' ').enumerate() {
            if i > 0 {
                m.text(" ");
            }
            if word.chars().count() > WHOLE {
                m.text(word);
            } else {
                m.leaf("span", &[("class", "nowrap")], word);
            }
        }
    });
}

/// A row: its cells, and whether it stands out (tonight, the policy).
pub(crate) struct Row {
    pub(crate) cells: Vec<Cell>,
    pub(crate) strong: bool,
}

impl From<Vec<Cell>> for Row {
    fn from(cells: Vec<Cell>) -> Self {
        Self { cells, strong: false }
    }
}

/// Writes a table; `caption` says what it holds.
pub(crate) fn table(m: &mut Markup, caption: &str, columns: &[Column], rows: Vec<Row>) {
    // Few columns fit a telephone as they are; more of them become cards there.
    let charts = columns.iter().filter(|c| c.kind == Kind::Chart).count();
    let words = columns.iter().filter(|c| c.kind == Kind::Text).count();
    let many = columns.len() + charts > 4 || words > WORDS;
    let class = if many { "table stack" } else { "table" };
    m.el("div", &[("class", class)], |m| {
        m.el("table", &[("role", "table")], |m| {
            m.leaf("caption", &[], caption);
            m.el("thead", &[("role", "rowgroup")], |m| {
                m.el("tr", &[("role", "row")], |m| columns.iter().for_each(|c| heading(m, c)));
            });
            m.el("tbody", &[("role", "rowgroup")], |m| {
                for row in rows {
                    let class = if row.strong { "strong" } else { "plain" };
                    m.el("tr", &[("role", "row"), ("class", class)], |m| {
                        for (column, cell) in columns.iter().zip(&row.cells) {
                            let attrs = [
                                ("role", "cell"),
                                ("class", column.class()),
                                ("data-label", &column.heading),
                            ];
                            m.el("td", &attrs, |m| m.add(&cell.0));
                        }
                    });
                }
            });
        });
    });
}

fn heading(m: &mut Markup, column: &Column) {
    let attrs = [("role", "columnheader"), ("scope", "col"), ("class", column.class())];
    m.el("th", &attrs, |m| {
        m.text(&column.heading);
        if let Some(axis) = &column.axis {
            m.add(axis);
        }
    });
}
