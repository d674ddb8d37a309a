//! Stage 4: episodes that are not too long. (Those without steps left at stage 1.)

use polars::prelude::*;

use super::{Filter, Finding, Setting, Table, each};
use crate::curate::columns::long;
use crate::curate::{CurateError, Role};

const TOO_LONG: &str = "too_many_steps";

pub(in crate::curate) const FILTER: Filter =
    Filter { stage: "length", rules: &[(TOO_LONG, Role::All)], find };

fn find(table: &Table, setting: &Setting) -> Result<Vec<Finding>, CurateError> {
    let most = setting.params.max_steps;
    let longer = col("n_steps").gt(lit(i64::from(most)));
    let hits = table.episodes.clone().lazy().filter(longer).collect()?;
    let steps = long(&hits, "n_steps")?;
    each(&hits, |id, row| {
        let n = steps.get(row).unwrap_or_default();
        Finding::episode(TOO_LONG, id, format!("{n} steps, at most {most} are taken"))
            .measured(n as f64, f64::from(most))
    })
}
