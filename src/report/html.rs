//! The page: one file that loads nothing and runs nothing.

use super::markup::Markup;
use super::model::RunReport;
use super::sections;

/// The style sheet of the report and of the index.
const STYLE: &str = include_str!("style.css");
/// Belt and braces: even a hole in our escaping could neither run a script nor load a thing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                      form-action 'none'";

/// The sections below the first screen, for the row of links.
const LINKS: [(&str, &str); 9] = [
    ("#decision", "Decision"),
    ("#evaluation", "Evaluation"),
    ("#steps", "Steps"),
    ("#ingest", "Logs"),
    ("#volume", "Volume"),
    ("#curation", "Dataset"),
    ("#training", "Training"),
    ("#honesty", "Limits"),
    ("#provenance", "Provenance"),
];

impl RunReport {
    /// The report as one self-contained HTML page: no script, no external resource, light and
    /// dark, fit for print. Equal reports give equal bytes.
    pub fn to_html(&self) -> String {
        let title = format!("{} {}: {}", self.pipeline, self.date, self.headline);
        page(&title, |m| {
            sections::first_screen(m, self);
            m.el("nav", &[("aria-label", "Sections")], |m| {
                for (target, word) in LINKS {
                    m.leaf("a", &[("href", target)], word);
                    m.text(" ");
                }
            });
            sections::decision(m, self);
            sections::evaluation(m, self);
            sections::steps(m, self);
            sections::ingest(m, self);
            sections::volumes(m, self);
            sections::curation(m, self);
            sections::training(m, self);
            sections::honesty(m, self);
            sections::provenance(m, self);
            m.newline();
            m.el("footer", &[], |m| {
                m.text("Written by fqm-pipe. Charts are drawn from the tables beside them; ");
                m.text("the same report as JSON lies next to this page.");
            });
        })
    }
}

/// A whole document around a body.
pub(crate) fn page(title: &str, body: impl FnOnce(&mut Markup)) -> String {
    let mut m = Markup::new();
    m.el("html", &[("lang", "en")], |m| {
        m.el("head", &[], |m| {
            m.void("meta", &[("charset", "utf-8")]);
            m.void("meta", &[("http-equiv", "Content-Security-Policy"), ("content", POLICY)]);
            let viewport = "width=device-width, initial-scale=1";
            m.void("meta", &[("name", "viewport"), ("content", viewport)]);
            m.void("meta", &[("name", "color-scheme"), ("content", "light dark")]);
            m.leaf("title", &[], title);
            m.style(STYLE);
        });
        m.newline();
        m.el("body", &[], |m| {
            patterns(m);
            m.el("main", &[], body);
        });
    });
    m.document()
}

/// The hatching that all charts share.
fn patterns(m: &mut Markup) {
    let attrs = [("class", "defs"), ("width", "0"), ("height", "0"), ("aria-hidden", "true")];
    m.el("svg", &attrs, |m| {
        let attrs = [
            ("id", "hatch"),
            ("width", "6"),
            ("height", "6"),
            ("patternUnits", "userSpaceOnUse"),
            ("patternTransform", "rotate(45)"),
        ];
        m.el("pattern", &attrs, |m| {
            m.void("rect", &[("class", "hatch-ground"), ("width", "6"), ("height", "6")]);
            m.void("rect", &[("class", "hatch-line"), ("width", "2.5"), ("height", "6")]);
        });
    });
}
