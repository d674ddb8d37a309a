//! Levels of every grade and split, drawn once for all tests of the suites.

use std::sync::OnceLock;

use crate::quest::{Level, Split, Suite};

/// Splits, with the levels of a grade that are drawn of each.
const SPLITS: [(Split, usize); 3] =
    [(Split::Train, 2), (Split::Validation, 1), (Split::Evaluation, 1)];

/// A drawn level and what it was drawn for.
pub struct Drawn {
    pub family: String,
    pub grade: (u32, u32),
    pub split: Split,
    pub level: Level,
}

/// Some levels of every grade and split.
pub fn sample() -> &'static [Drawn] {
    static SAMPLE: OnceLock<Vec<Drawn>> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let suite = Suite::try_builtin().unwrap();
        let mut all = Vec::new();
        for family in suite.families() {
            for grade in suite.grades(&family) {
                for (split, n) in SPLITS {
                    let levels = suite.draw(&family, grade.0, grade.1, split, 11, n);
                    let of = |level| Drawn { family: family.clone(), grade, split, level };
                    all.extend(levels.unwrap_or_else(|e| panic!("{e}")).into_iter().map(of));
                }
            }
        }
        all
    })
}
