//! The one way in which this room writes HTML and SVG.
//!
//! Elements are closed by construction and every text and attribute is escaped here, so no caller
//! can forget it: there is no way to add raw text other than [`Markup::style`].

/// A piece of well-formed markup.
#[derive(Clone, Debug, Default)]
pub(crate) struct Markup(String);

/// Attributes of an element: names are ours, values are escaped.
pub(crate) type Attrs<'a> = &'a [(&'static str, &'a str)];

impl Markup {
    /// An empty piece.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An element with whatever `body` writes into it.
    pub(crate) fn el(&mut self, tag: &'static str, attrs: Attrs<'_>, body: impl FnOnce(&mut Self)) {
        self.open(tag, attrs);
        self.0.push('>');
        body(self);
        self.0.push_str("</");
        self.0.push_str(tag);
        self.0.push('>');
    }

    /// An element that holds text alone.
    pub(crate) fn leaf(&mut self, tag: &'static str, attrs: Attrs<'_>, text: &str) {
        self.el(tag, attrs, |m| m.text(text));
    }

    /// An element without content.
    pub(crate) fn void(&mut self, tag: &'static str, attrs: Attrs<'_>) {
        self.open(tag, attrs);
        self.0.push_str("/>");
    }

    /// Text, escaped.
    pub(crate) fn text(&mut self, text: &str) {
        escape_into(&mut self.0, text);
    }

    /// Text in which a pair of backticks marks a name as it stands in a file.
    pub(crate) fn prose(&mut self, text: &str) {
        let parts: Vec<&str> = text.split('`').collect();
        // An even number of parts means a backtick without its partner: shown as it is.
        if parts.len().is_multiple_of(2) {
            return self.text(&keep_percent(text));
        }
        for (i, part) in parts.iter().enumerate() {
            if i % 2 == 1 {
                self.leaf("code", &[], part);
            } else {
                self.text(&keep_percent(part));
            }
        }
    }

    /// Another piece.
    pub(crate) fn add(&mut self, other: &Markup) {
        self.0.push_str(&other.0);
    }

    /// A line break between blocks, so that the page's source can be read.
    pub(crate) fn newline(&mut self) {
        self.0.push('\n');
    }

    /// The style sheet, which is ours and compiled in.
    pub(crate) fn style(&mut self, css: &'static str) {
        self.el("style", &[], |m| m.0.push_str(css));
    }

    /// The finished document, with its declaration in front.
    pub(crate) fn document(self) -> String {
        format!("<!DOCTYPE html>\n{}\n", self.0)
    }

    /// The piece as text, for tests.
    #[cfg(test)]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn open(&mut self, tag: &'static str, attrs: Attrs<'_>) {
        self.0.push('<');
        self.0.push_str(tag);
        for (name, value) in attrs {
            self.0.push(' ');
            self.0.push_str(name);
            self.0.push_str("=\"");
            escape_into(&mut self.0, value);
            self.0.push('"');
        }
    }
}

/// A number keeps its percent sign on its line.
fn keep_percent(text: &str) -> String {
    text.replace(" %", "\u{a0}%")
}

/// A closure's markup as a piece of its own.
pub(crate) fn piece(body: impl FnOnce(&mut Markup)) -> Markup {
    let mut m = Markup::new();
    body(&mut m);
    m
}

fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if is_hidden(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

/// Characters that HTML forbids, that steer a terminal, or that turn the reading direction so
/// that a text looks like another one.
pub(crate) fn is_hidden(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
