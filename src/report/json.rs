//! The report as canonical, pretty JSON: sorted keys, two spaces, a newline at the end.

use serde::Deserialize;
use serde_json::Value;

use super::model::{REPORT_FORMAT, RunReport};

/// What can go wrong with a report's JSON.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A value could not be written as JSON.
    #[error("write the run report as JSON: {0}")]
    Write(#[source] serde_json::Error),
    /// The text is not a run report.
    #[error("read the run report: {0}; was the file written by `fqm-pipe report`?")]
    Read(#[source] serde_json::Error),
    /// The file was written by a program of another format.
    #[error(
        "read the run report: its format is `{found}`, this program reads `{REPORT_FORMAT}`; \
         upgrade fqm-pipe if the file is newer"
    )]
    Format {
        /// What the file says it is.
        found: String,
    },
}

impl RunReport {
    /// The report as canonical pretty JSON (numbers that are not finite become `null`).
    ///
    /// # Errors
    /// [`ReportError::Write`] when a value has no JSON form; no value of the model is such.
    pub fn to_json(&self) -> Result<String, ReportError> {
        let mut value = serde_json::to_value(self).map_err(ReportError::Write)?;
        sort_keys(&mut value);
        let mut text = serde_json::to_string_pretty(&value).map_err(ReportError::Write)?;
        text.push('\n');
        Ok(text)
    }

    /// Reads what [`RunReport::to_json`] wrote. Fields that an older file lacks get their default.
    ///
    /// # Errors
    /// [`ReportError::Read`] for text that is no report, [`ReportError::Format`] for another
    /// version.
    pub fn from_json(text: &str) -> Result<Self, ReportError> {
        let found = serde_json::from_str::<Header>(text).map_err(ReportError::Read)?.format;
        if found != REPORT_FORMAT {
            return Err(ReportError::Format { found });
        }
        serde_json::from_str(text).map_err(ReportError::Read)
    }
}

/// The one field that is read first, so that a newer file is named as such and not as broken.
#[derive(Deserialize)]
struct Header {
    format: String,
}

/// Sorts every object's keys, because the order of a map depends on how serde_json is built.
fn sort_keys(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = std::mem::take(map).into_iter().collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, mut inner) in entries {
                sort_keys(&mut inner);
                map.insert(key, inner);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(sort_keys),
        _ => {}
    }
}
