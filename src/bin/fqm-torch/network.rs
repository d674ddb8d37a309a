//! The graph network: facts and calls exchange messages, and a pointer chooses a call.
//!
//! Weight-tied rounds over a bipartite graph of facts and ground calls, sums into calls, maximum
//! and mean into facts, a global pool by maximum and by sum, then a softmax over the calls that may be
//! chosen (no fixed list of actions, so that it works on functions it has never seen), and a value
//! head that estimates the calls still needed.

use rand::Rng;
use tch::{Device, Tensor, nn};

use crate::ops::{Torch, floats, indices, linear, max_into, norm, sum_into};
use fqm_pipe::policy::Batch;
use fqm_pipe::policy::NetworkShape;
use fqm_pipe::policy::TEXT_FEATURES;
use fqm_pipe::policy::{CALL_FEATURES, EDGE_KINDS, FACT_FEATURES, GLOBAL_FEATURES, call};

/// The value head works in units of this many calls, so that its loss is of order one.
pub const VALUE_SCALE: f64 = 8.0;
/// What a forbidden call's logit gains before anything is learned. That nobody should want such calls
/// is known beforehand; a policy that has seen none would otherwise take them for ordinary ones.
const AVERSION: f32 = -4.0;
/// Logit of a padded place: far below any real one, yet finite, so that no gradient is NaN.
const PADDING: f64 = -1e9;

/// A dense layer; weights are `[inputs, outputs]`.
struct Dense {
    w: Tensor,
    b: Option<Tensor>,
}

impl Dense {
    fn of(&self, x: &Tensor) -> Torch {
        linear(x, &self.w, self.b.as_ref())
    }
}

/// Gain and bias of a layer normalisation.
struct Norm {
    gain: Tensor,
    bias: Tensor,
}

impl Norm {
    fn of(&self, x: &Tensor) -> Torch {
        norm(x, &self.gain, &self.bias)
    }
}

/// One kind of node: how its state is updated from itself, its messages and the global state.
struct Update {
    own: Dense,
    messages: Option<Dense>,
    global: Dense,
    out: Dense,
    norm: Norm,
}

impl Update {
    /// `norm(h + out(relu(own(h) + messages + global[graph])))`: a residual step keeps the
    /// gradient alive through many rounds of the same weights.
    fn of(&self, h: &Tensor, messages: &Tensor, global: &Tensor, graph: &Tensor) -> Torch {
        let messages = match &self.messages {
            Some(dense) => dense.of(messages)?,
            None => messages.shallow_clone(),
        };
        let context = self.global.of(global)?.f_index_select(0, graph)?;
        let inner = self.own.of(h)?.f_add(&messages)?.f_add(&context)?.f_relu()?;
        self.norm.of(&self.out.of(&inner)?.f_add(h)?)
    }
}

/// Scores of one batch.
pub struct Scores {
    /// `graphs × width` logits, padded with a very low number.
    pub grid: Tensor,
    /// Calls still needed, one per graph, divided by the value head's scale.
    pub value: Tensor,
    /// What will come of it, one per graph: the discounted sum of the rewards to come.
    pub outcome: Tensor,
}

/// The network with its weights.
pub struct Network {
    shape: NetworkShape,
    store: nn::VarStore,
    names: Vec<String>,
    tensors: Vec<Tensor>,
    embed_fact: Dense,
    embed_call: Dense,
    embed_text: Dense,
    embed_global: Dense,
    fact_to_call: Dense,
    facts: Update,
    calls: Update,
    pool: Dense,
    pool_count: Dense,
    pool_own: Dense,
    pool_norm: Norm,
    point: Dense,
    point_global: Dense,
    point_out: Dense,
    /// What a call's logit gains where the call must not be made: learned, and a loss to begin with.
    aversion: Tensor,
    value: Dense,
    value_out: Dense,
}

/// Makes weights from a seeded stream, in a fixed order, and remembers their names.
struct Maker {
    store: nn::VarStore,
    rng: rand_chacha::ChaCha8Rng,
    names: Vec<String>,
    tensors: Vec<Tensor>,
}

impl Maker {
    fn add(&mut self, name: &str, shape: &[i64], mut value: impl FnMut(&mut Self) -> f32) -> Torch {
        let count = shape.iter().product::<i64>().max(0) as usize;
        let data: Vec<f32> = (0..count).map(|_| value(self)).collect();
        let start = floats(&data, shape, self.store.device())?;
        let tensor = self.store.root().f_var_copy(name, &start)?;
        self.names.push(name.to_owned());
        self.tensors.push(tensor.shallow_clone());
        Ok(tensor)
    }

    /// Uniform in ±gain/√inputs, biases zero.
    fn dense(&mut self, name: &str, (n, m): (usize, usize), bias: bool, gain: f32) -> Torch<Dense> {
        let bound = gain / (n.max(1) as f32).sqrt();
        let w = self.add(&format!("{name}_w"), &[n as i64, m as i64], |s| {
            s.rng.random_range(-1.0f32..1.0) * bound
        })?;
        let b =
            if bias { Some(self.add(&format!("{name}_b"), &[m as i64], |_| 0.0)?) } else { None };
        Ok(Dense { w, b })
    }

    fn norm(&mut self, name: &str, width: usize) -> Torch<Norm> {
        let gain = self.add(&format!("{name}_gain"), &[width as i64], |_| 1.0)?;
        let bias = self.add(&format!("{name}_bias"), &[width as i64], |_| 0.0)?;
        Ok(Norm { gain, bias })
    }

    fn update(&mut self, name: &str, d: usize, messages: Option<usize>) -> Torch<Update> {
        Ok(Update {
            own: self.dense(&format!("{name}_own"), (d, d), true, 1.4)?,
            messages: match messages {
                Some(n) => Some(self.dense(&format!("{name}_messages"), (n, d), false, 1.4)?),
                None => None,
            },
            global: self.dense(&format!("{name}_global"), (d, d), false, 1.0)?,
            out: self.dense(&format!("{name}_out"), (d, d), true, 0.7)?,
            norm: self.norm(&format!("{name}_norm"), d)?,
        })
    }
}

impl Network {
    /// A network with weights drawn from `seed`.
    ///
    /// # Errors
    /// Where libtorch cannot make the tensors, for example out of memory.
    pub fn new(shape: NetworkShape, seed: u64, device: Device) -> Torch<Self> {
        let mut m = Maker {
            store: nn::VarStore::new(device),
            rng: fqm_pipe::core::rng(seed, "policy/weights"),
            names: Vec::new(),
            tensors: Vec::new(),
        };
        let d = shape.width;
        Ok(Self {
            shape,
            embed_fact: m.dense("embed_fact", (FACT_FEATURES, d), true, 1.7)?,
            embed_call: m.dense("embed_call", (CALL_FEATURES, d), true, 1.7)?,
            embed_text: m.dense("embed_text", (TEXT_FEATURES, d), false, 5.0)?,
            embed_global: m.dense("embed_global", (GLOBAL_FEATURES, d), true, 1.7)?,
            fact_to_call: m.dense("fact_to_call", (d, d * EDGE_KINDS), false, 1.0)?,
            facts: m.update("fact", d, Some(2 * d * EDGE_KINDS))?,
            calls: m.update("call", d, None)?,
            pool: m.dense("pool", (2 * d, d), true, 1.4)?,
            pool_count: m.dense("pool_count", (2 * d, d), false, 0.1)?,
            pool_own: m.dense("pool_own", (d, d), false, 1.0)?,
            pool_norm: m.norm("pool_norm", d)?,
            point: m.dense("point", (d, d), true, 1.4)?,
            point_global: m.dense("point_global", (d, d), false, 1.0)?,
            point_out: m.dense("point_out", (d, 1), false, 0.3)?,
            aversion: m.add("aversion", &[1], |_| AVERSION)?,
            value: m.dense("value", (d, d), true, 1.4)?,
            value_out: m.dense("value_out", (d, 2), true, 0.3)?,
            store: m.store,
            names: m.names,
            tensors: m.tensors,
        })
    }

    /// Its size.
    #[cfg(test)]
    pub fn shape(&self) -> NetworkShape {
        self.shape
    }

    /// Where its weights lie.
    pub fn device(&self) -> Device {
        self.store.device()
    }

    /// Names and weights in a fixed order.
    pub fn weights(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.names.iter().map(String::as_str).zip(&self.tensors)
    }

    /// Scores a batch.
    ///
    /// # Errors
    /// Where the batch's arrays do not fit together or libtorch fails.
    pub fn forward(&self, batch: &Batch) -> Torch<Scores> {
        if !batch.is_consistent() {
            return Err(tch::TchError::Shape("the batch's arrays do not fit together".into()));
        }
        let input = Input::new(batch, self.device())?;
        let (calls, global) = self.rounds(&input)?;
        self.heads(&input, &calls, &global)
    }

    /// Node states of the calls and the global state after all rounds.
    fn rounds(&self, input: &Input) -> Torch<(Tensor, Tensor)> {
        let d = self.shape.width as i64;
        let mut h_fact = self.embed_fact.of(&input.fact_features)?.f_relu()?;
        let text = self.embed_text.of(&input.texts)?.f_index_select(0, &input.call_text)?;
        let mut h_call = self.embed_call.of(&input.call_features)?.f_add(&text)?.f_relu()?;
        let mut global = self.embed_global.of(&input.globals)?;
        for _ in 0..self.shape.rounds {
            let sent = self.fact_to_call.of(&h_fact)?.f_reshape([input.slots, d])?;
            let sent = sent.f_index_select(0, &input.edge_slot)?.f_mul(&input.edge_per_call)?;
            let to_calls = sum_into(&sent, &input.edge_call, input.calls)?;
            h_call = self.calls.of(&h_call, &to_calls, &global, &input.call_graph)?;
            let to_facts = self.to_facts(input, &h_call)?;
            h_fact = self.facts.of(&h_fact, &to_facts, &global, &input.fact_graph)?;
            global = self.pooled(input, &h_fact, &h_call, &global)?;
        }
        Ok((h_call, global))
    }

    /// Mean and maximum over each fact's calls, separately for each kind of edge:
    /// `facts × (2 · EDGE_KINDS · d)`.
    fn to_facts(&self, input: &Input, h_call: &Tensor) -> Torch {
        let sent = h_call.f_index_select(0, &input.edge_call)?;
        let mean = sum_into(&sent.f_mul(&input.edge_share)?, &input.edge_slot, input.slots)?;
        let max = max_into(&sent, &input.edge_slot, input.slots)?;
        let both = Tensor::f_cat(&[mean, max], 1)?;
        both.f_reshape([input.facts, -1])
    }

    /// The maximum over all nodes says whether there is such a node; the sum says how many more
    /// there are of one kind than of another.
    fn pooled(&self, input: &Input, facts: &Tensor, calls: &Tensor, global: &Tensor) -> Torch {
        let most = |h: &Tensor, graph: &Tensor| max_into(h, graph, input.graphs);
        let sum = |h: &Tensor, sizes: &Tensor, graph: &Tensor| {
            sum_into(&h.f_mul(sizes)?, graph, input.graphs)
        };
        let top = [most(facts, &input.fact_graph)?, most(calls, &input.call_graph)?];
        let all = [
            sum(facts, &input.fact_sizes, &input.fact_graph)?,
            sum(calls, &input.call_sizes, &input.call_graph)?,
        ];
        let count = self.pool_count.of(&Tensor::f_cat(&all, 1)?)?.f_asinh()?;
        let new = self.pool.of(&Tensor::f_cat(&top, 1)?)?.f_add(&count)?;
        let new = new.f_add(&self.pool_own.of(global)?)?.f_relu()?;
        self.pool_norm.of(&new.f_add(global)?)
    }

    fn heads(&self, input: &Input, calls: &Tensor, global: &Tensor) -> Torch<Scores> {
        let chosen = calls.f_index_select(0, &input.choices)?;
        let context = self.point_global.of(global)?.f_index_select(0, &input.choice_graph)?;
        let hidden = self.point.of(&chosen)?.f_add(&context)?.f_relu()?;
        let logits = self.point_out.of(&hidden)?.f_reshape([-1])?;
        let logits = logits.f_add(&input.forbidden.f_mul(&self.aversion)?)?;
        let padding = Tensor::f_full([1], PADDING, (logits.kind(), logits.device()))?;
        let grid = Tensor::f_cat(&[logits, padding], 0)?.f_index_select(0, &input.choice_grid)?;
        let ahead = self.value_out.of(&self.value.of(global)?.f_relu()?)?;
        let (value, outcome) = (ahead.f_select(1, 0)?, ahead.f_select(1, 1)?);
        Ok(Scores { grid: grid.f_reshape([input.graphs, input.width])?, value, outcome })
    }

    /// Logits over each graph's applicable calls, and the calls still needed, without gradients.
    ///
    /// # Errors
    /// As [`Network::forward`].
    pub fn score(&self, batch: &Batch) -> Torch<Vec<Scored>> {
        let scores = {
            let _guard = tch::no_grad_guard();
            self.forward(batch)?
        };
        let grid = super::ops::to_vec(&scores.grid)?;
        let values = super::ops::to_vec(&scores.value)?;
        let outcomes = super::ops::to_vec(&scores.outcome)?;
        let rows = grid.chunks(batch.width).zip(&batch.choice_counts);
        Ok(rows
            .zip(values.into_iter().zip(outcomes))
            .map(|((row, count), (value, outcome))| Scored {
                logits: row.iter().take(*count).copied().collect(),
                calls_needed: (value * VALUE_SCALE as f32).max(0.0),
                outcome,
            })
            .collect())
    }
}

/// The network's opinion of one state.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// One logit per applicable call, in the order of the graph's applicable calls.
    pub logits: Vec<f32>,
    /// Estimate of the calls still needed until the goal.
    pub calls_needed: f32,
    /// Estimate of the discounted sum of the rewards to come.
    pub outcome: f32,
}

/// Calls in the value head's unit.
pub fn scaled_value(calls: f32) -> f32 {
    calls / VALUE_SCALE as f32
}

/// For every choice 1 where the call must not be made.
fn forbidden(b: &Batch) -> Vec<f32> {
    let mark = |node: &i64| {
        let at = usize::try_from(*node).unwrap_or(usize::MAX).checked_mul(CALL_FEATURES);
        let cell = at.and_then(|at| b.call_features.get(at + call::FORBIDDEN));
        cell.copied().unwrap_or(0.0)
    };
    b.choices.iter().map(mark).collect()
}

/// A batch as tensors.
struct Input {
    graphs: i64,
    facts: i64,
    calls: i64,
    slots: i64,
    width: i64,
    fact_features: Tensor,
    call_features: Tensor,
    globals: Tensor,
    texts: Tensor,
    call_text: Tensor,
    fact_graph: Tensor,
    call_graph: Tensor,
    edge_slot: Tensor,
    edge_call: Tensor,
    edge_per_call: Tensor,
    edge_share: Tensor,
    fact_sizes: Tensor,
    call_sizes: Tensor,
    choices: Tensor,
    choice_graph: Tensor,
    choice_grid: Tensor,
    forbidden: Tensor,
}

impl Input {
    fn new(b: &Batch, device: Device) -> Torch<Self> {
        let column = |values: &[f32]| floats(values, &[values.len() as i64, 1], device);
        let (facts, calls, graphs) = (b.facts as i64, b.calls as i64, b.graphs as i64);
        let texts = b.text_graph.len() as i64;
        Ok(Self {
            graphs,
            facts,
            calls,
            slots: facts * EDGE_KINDS as i64,
            width: b.width as i64,
            fact_features: floats(&b.fact_features, &[facts, FACT_FEATURES as i64], device)?,
            call_features: floats(&b.call_features, &[calls, CALL_FEATURES as i64], device)?,
            globals: floats(&b.globals, &[graphs, GLOBAL_FEATURES as i64], device)?,
            texts: floats(&b.texts, &[texts, TEXT_FEATURES as i64], device)?,
            call_text: indices(&b.call_text, device)?,
            fact_graph: indices(&b.fact_graph, device)?,
            call_graph: indices(&b.call_graph, device)?,
            edge_slot: indices(&b.edge_slot, device)?,
            edge_call: indices(&b.edge_call, device)?,
            edge_per_call: column(&b.edge_per_call)?,
            edge_share: column(&b.edge_share)?,
            fact_sizes: column(&b.fact_sizes)?,
            call_sizes: column(&b.call_sizes)?,
            choices: indices(&b.choices, device)?,
            choice_graph: indices(&b.choice_graph, device)?,
            choice_grid: indices(&b.choice_grid, device)?,
            forbidden: floats(&forbidden(b), &[b.choices.len() as i64], device)?,
        })
    }
}
