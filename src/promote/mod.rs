//! Decides by evidence whether a candidate may replace the champion.
//!
//! [`decide`] takes the paired results of one night and returns one [`Decision`]: a verdict, a
//! plain sentence that says why, the numbers behind it, and what would change it. Three betting
//! e-processes ([`Kernel`]) carry the decision; the classical paired tests are reported beside
//! them. The same input gives the same bytes.

mod confidence;
mod decide;
mod decision;
mod flips;
mod kernel;
mod paired;
mod params;
mod words;

pub use confidence::ConfidenceSequence;
pub use decide::{decide, sign_of};
pub use decision::{
    Decision, DecisionInput, EValues, FloorNumbers, Numbers, PromotionError, Thresholds, Verdict,
};
pub use flips::{Flips, sign_flips};
pub use kernel::{Kernel, constant_bet_log_e, log_threshold};
pub use paired::{
    PairedTable, binomial_upper_tail, log_e_mixture_one_sided, log_e_mixture_two_sided,
    mcnemar_exact, sign_test,
};
pub use params::{DecisionParams, Floor};

#[cfg(test)]
mod tests;
