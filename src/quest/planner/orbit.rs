//! One state for all that differ only in interchangeable objects (orbit search: Domshlak, Katz
//! and Shleyfman, "Enhanced Symmetry Breaking in Cost-Optimal Planning as Forward Search",
//! ICAPS 2012; after Pochter, Zohar and Rosenschein, AAAI 2011).
//!
//! Objects are ordered by a colour that follows from what the state says of them. Where colours
//! do not tell two objects apart the state found may not be the one of its orbit, which costs
//! pruning and nothing else.

use super::masks::ones;
use super::space::Space;
use super::symmetry::{Class, Object, classes};
use crate::quest::world::World;

/// Swaps that were made, in their order.
pub(super) type Swaps = Vec<(Object, Object)>;

/// The interchangeable objects of a world, and how a state is brought to its canonical form.
#[derive(Debug, Clone)]
pub(super) struct Orbits {
    classes: Vec<Class>,
    /// Per class: whether a fact relates its members to other interchangeable objects.
    related: Vec<bool>,
    /// Colours before the state is looked at.
    base: Vec<u64>,
    /// Objects that are interchangeable with others.
    movable: Vec<bool>,
    /// Facts that speak of such objects: a mask, and per fact its predicate and arguments.
    mask: Vec<u64>,
    facts: Vec<(u64, Vec<Object>)>,
}

fn mix(a: u64, b: u64) -> u64 {
    let x = (a ^ b.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) ^ (x >> 32)
}

impl Orbits {
    /// None where no two objects are interchangeable.
    pub(super) fn find(world: &World, space: &Space) -> Option<Self> {
        if space.ends_conflict() {
            return None;
        }
        let mut classes = classes(world, space);
        if classes.is_empty() {
            return None;
        }
        classes.sort_by_key(|c| c.members.len());
        let mut movable = vec![false; world.objects().len()];
        let mut base: Vec<u64> = (0..world.objects().len()).map(|o| mix(1, o as u64)).collect();
        for (i, class) in classes.iter().enumerate() {
            for &object in &class.members {
                movable[object] = true;
                base[object] = mix(2, i as u64);
            }
        }
        let mut orbits = Self {
            related: vec![false; classes.len()],
            classes,
            base,
            movable,
            mask: vec![0; space.facts().len().div_ceil(64)],
            facts: Vec::new(),
        };
        orbits.index(world, space);
        Some(orbits)
    }

    fn index(&mut self, world: &World, space: &Space) {
        for (i, &fact) in space.facts().iter().enumerate() {
            let Some(fact) = world.facts().get(fact as usize) else { continue };
            let moving: Vec<Object> =
                fact.args.iter().copied().filter(|&o| self.movable[o]).collect();
            self.facts.push((mix(3, fact.predicate as u64), fact.args.clone()));
            if !moving.is_empty() {
                self.mask[i / 64] |= 1 << (i % 64);
            }
            if moving.len() > 1 {
                for (class, related) in self.classes.iter().zip(&mut self.related) {
                    *related |= moving.iter().any(|o| class.members.contains(o));
                }
            }
        }
    }

    /// Brings a state to its canonical form and appends the swaps that it took.
    pub(super) fn canonical(&self, space: &Space, state: &mut [u64], swaps: &mut Swaps) {
        let mut colours = self.base.clone();
        let mut next = vec![0; colours.len()];
        self.refine(state, &mut colours, &mut next);
        if self.related.contains(&true) {
            self.refine(state, &mut colours, &mut next);
        }
        let mut individual = false;
        for (class, &related) in self.classes.iter().zip(&self.related) {
            if related && individual {
                self.refine(state, &mut colours, &mut next);
            }
            sort(class, space, state, &mut colours, swaps);
            if related {
                individual = true;
                for (i, &object) in class.members.iter().enumerate() {
                    colours[object] = mix(colours[object], 7 + i as u64);
                }
            }
        }
    }

    /// One round of colour refinement over the facts that hold.
    fn refine(&self, state: &[u64], colours: &mut [u64], next: &mut [u64]) {
        next.fill(0);
        for (word, (&bits, &mask)) in (0u32..).zip(state.iter().zip(&self.mask)) {
            for fact in ones(word, bits & mask) {
                let (predicate, args) = &self.facts[fact as usize];
                let whole = args.iter().fold(*predicate, |h, &o| mix(h, colours[o]));
                for (i, &object) in args.iter().enumerate() {
                    if self.movable[object] {
                        next[object] = next[object].wrapping_add(mix(whole, i as u64));
                    }
                }
            }
        }
        for (colour, &seen) in colours.iter_mut().zip(next.iter()) {
            if seen != 0 {
                *colour = mix(*colour, seen);
            }
        }
    }
}

/// Sorts the members of a class by colour, as far as they may change places.
fn sort(class: &Class, space: &Space, state: &mut [u64], colours: &mut [u64], swaps: &mut Swaps) {
    let members = &class.members;
    for i in 0..members.len() {
        let mut least = i;
        for j in i + 1..members.len() {
            if colours[members[j]] < colours[members[least]]
                && class.swap(i, j).is_some_and(|s| s.allowed(state))
            {
                least = j;
            }
        }
        if let Some(swap) = class.swap(i, least).filter(|_| least > i) {
            swap.apply(space, state);
            colours.swap(members[i], members[least]);
            swaps.push((members[i], members[least]));
        }
    }
}
