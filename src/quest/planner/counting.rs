//! Counting what is used up: how often must something be made if it is used so often?
//!
//! At the end there is at most what there is now, plus what ops add at most, less what they take
//! for sure. So landmarks that take something demand ops that make it, which may take something
//! else, and so on. This is the state equation (van den Briel, Benton, Kambhampati and Vossen,
//! CP 2007) summed over the facts of a predicate and used as landmarks of higher count, without a
//! linear program. Landmarks must be disjoint for it, so every op must cost 1.

use super::lmcut::landmarks;
use super::problem::Problem;
use super::relaxed::Relaxed;
use super::space::OpId;
use super::stock::{Stock, stocks};

/// Most things that are counted: the bits of a word.
const MAX_STOCKS: usize = 64;
/// Rounds over all stocks until a bound is taken as it is.
const MAX_ROUNDS: usize = 16;

/// Who makes a stock.
#[derive(Debug)]
struct Makers {
    ops: Vec<OpId>,
    /// The most that one of them adds.
    most: i64,
}

/// The stocks of a problem. Sets of them are bits of a word.
#[derive(Debug)]
pub(in crate::quest) struct Counting {
    stocks: Vec<Stock>,
    makers: Vec<Makers>,
    /// Per op: stocks that it takes from, and stocks that it adds to.
    takes: Vec<u64>,
    adds: Vec<u64>,
}

/// Ops of which every plan makes at least `least`; all of them take from the stocks `takes`, and
/// some of them add to the stocks `adds`.
#[derive(Debug, Clone, Copy)]
struct Demand<'a> {
    ops: &'a [OpId],
    least: i64,
    takes: u64,
    adds: u64,
}

impl Counting {
    /// None where nothing is used up.
    pub(in crate::quest) fn new(problem: &Problem) -> Option<Self> {
        let mut stocks = stocks(problem);
        stocks.truncate(MAX_STOCKS);
        if stocks.is_empty() {
            return None;
        }
        let ops = problem.space.ops().len();
        let (mut takes, mut adds) = (vec![0; ops], vec![0; ops]);
        let mut makers = Vec::new();
        for (i, stock) in stocks.iter().enumerate() {
            let mut found = Makers { ops: Vec::new(), most: 0 };
            for (op, &gain) in (0u32..).zip(&stock.gain) {
                if gain > 0 {
                    adds[op as usize] |= 1 << i;
                    found.ops.push(op);
                    found.most = found.most.max(gain);
                } else if gain < 0 {
                    takes[op as usize] |= 1 << i;
                }
            }
            makers.push(found);
        }
        Some(Self { stocks, makers, takes, adds })
    }

    /// A lower bound on the calls to the goal of the world, from landmarks of a state with no op
    /// in common; None where the goal is out of reach.
    pub(super) fn bound(
        &self,
        problem: &Problem,
        relaxed: &Relaxed,
        state: &[u64],
        found: &[u32],
    ) -> Option<u32> {
        let real = |&op: &u32| relaxed.ops[op as usize];
        let sets: Vec<Vec<OpId>> =
            landmarks(found).map(|(_, ops)| ops.iter().map(real).collect()).collect();
        let mut demands: Vec<Demand<'_>> = sets.iter().map(|ops| self.demand(ops, 1)).collect();
        let pending = problem.space.pending(problem.world, state);
        let now = |stock: &Stock| stock.goal - stock.now(problem, state, &pending);
        let lacking: Vec<i64> = self.stocks.iter().map(now).collect();
        for _ in 0..MAX_ROUNDS {
            let mut grown = false;
            for (i, makers) in self.makers.iter().enumerate() {
                let lacking = lacking[i] + self.taken(&demands, i);
                if lacking <= 0 {
                    continue;
                }
                if makers.most == 0 {
                    return None;
                }
                let least = (lacking + makers.most - 1) / makers.most;
                let adds = |d: &&Demand<'_>| d.adds & (1 << i) != 0;
                if least > demands.iter().filter(adds).map(|d| d.least).sum() {
                    // These are fewer demands on some of the same ops, so they give way.
                    demands.retain(|d| !adds(&d));
                    demands.push(self.demand(&makers.ops, least));
                    grown = true;
                }
            }
            if !grown {
                break;
            }
        }
        u32::try_from(demands.iter().map(|d| d.least).sum::<i64>()).ok()
    }

    fn demand<'a>(&self, ops: &'a [OpId], least: i64) -> Demand<'a> {
        let takes = ops.iter().fold(u64::MAX, |all, &op| all & self.takes[op as usize]);
        let adds = ops.iter().fold(0, |any, &op| any | self.adds[op as usize]);
        Demand { ops, least, takes, adds }
    }

    /// How much of a stock the demands take together.
    fn taken(&self, demands: &[Demand<'_>], stock: usize) -> i64 {
        let gain = &self.stocks[stock].gain;
        let each = |d: &Demand<'_>| d.ops.iter().map(|&op| -gain[op as usize]).min().unwrap_or(0);
        let taking = demands.iter().filter(|d| d.takes & (1 << stock) != 0);
        taking.map(|d| d.least * each(d)).sum()
    }
}
