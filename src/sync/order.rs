//! The order in which tables are written, so that foreign keys hold. Pure.

/// A foreign key between two tables, by their numbers.
#[derive(Debug, Clone, Copy)]
pub struct Edge {
    /// The table that refers.
    pub child: usize,
    /// The table that it refers to.
    pub parent: usize,
    /// Whether the reference can be written later than the row: its check waits, or it may be null.
    pub patient: bool,
}

/// Sorts `count` tables so that each comes after the tables that it refers to. Where tables refer to
/// each other, one comes first whose references can be written later, if there is one.
pub fn parents_first(count: usize, edges: &[Edge]) -> Vec<usize> {
    let mut order = Vec::with_capacity(count);
    let mut placed = vec![false; count];
    let mut waiting: Vec<usize> = (0..count).collect();
    while !waiting.is_empty() {
        let waits = |table: usize, edge: &Edge| {
            edge.child == table && edge.parent != table && !placed[edge.parent]
        };
        let free = |table: &usize| !edges.iter().any(|edge| waits(*table, edge));
        let patient = |table: &usize| !edges.iter().any(|e| !e.patient && waits(*table, e));
        let (mut next, mut rest): (Vec<_>, Vec<_>) = waiting.iter().copied().partition(free);
        if next.is_empty() {
            // A cycle.
            let place = rest.iter().position(patient).unwrap_or_default();
            next.push(rest.remove(place));
        }
        waiting = rest;
        for &table in &next {
            placed[table] = true;
        }
        order.append(&mut next);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::{Edge, parents_first};
    use proptest::prelude::*;

    fn edges(pairs: &[(usize, usize)]) -> Vec<Edge> {
        pairs
            .iter()
            .map(|&(child, parent)| Edge {
                child,
                parent,
                patient: false,
            })
            .collect()
    }

    #[test]
    fn parents_come_first_and_cycles_end() {
        assert_eq!(parents_first(3, &edges(&[(0, 1), (1, 2)])), [2, 1, 0]);
        assert_eq!(parents_first(2, &edges(&[(0, 0), (0, 1)])), [1, 0]);
        let mut ring = edges(&[(0, 1), (1, 0), (2, 0)]);
        assert_eq!(parents_first(3, &ring), [0, 1, 2]);
        ring[1].patient = true;
        assert_eq!(parents_first(3, &ring), [1, 0, 2]);
    }

    proptest! {
        #[test]
        fn every_table_stands_once_and_after_its_parents(pairs in prop::collection::vec((0usize..8, 0usize..8), 0..20)) {
            // References from higher to lower numbers make no cycle.
            let references: Vec<_> = pairs.iter().map(|&(a, b)| (a.max(b), a.min(b))).filter(|(a, b)| a != b).collect();
            let order = parents_first(8, &edges(&references));
            let mut sorted = order.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..8).collect::<Vec<_>>());
            let place = |table| order.iter().position(|&other| other == table);
            for (child, parent) in references {
                prop_assert!(place(parent) < place(child));
            }
        }
    }
}
