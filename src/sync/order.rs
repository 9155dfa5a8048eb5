//! The order in which tables are written, so that foreign keys hold. Pure.

/// Sorts `count` tables so that each comes after the tables that it refers to. `references` holds
/// pairs (child, parent). A table in a cycle comes where the cycle is entered, in the given order.
pub fn parents_first(count: usize, references: &[(usize, usize)]) -> Vec<usize> {
    let mut order = Vec::with_capacity(count);
    let mut placed = vec![false; count];
    let mut waiting: Vec<usize> = (0..count).collect();
    while !waiting.is_empty() {
        let free = |table: &usize| {
            !references
                .iter()
                .any(|&(child, parent)| child == *table && parent != *table && !placed[parent])
        };
        let (mut next, rest): (Vec<_>, Vec<_>) = waiting.iter().copied().partition(free);
        waiting = rest;
        if next.is_empty() {
            // A cycle: only constraints that are checked later can hold here.
            next.push(waiting.remove(0));
        }
        for &table in &next {
            placed[table] = true;
        }
        order.append(&mut next);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::parents_first;
    use proptest::prelude::*;

    #[test]
    fn parents_come_first_and_cycles_end() {
        assert_eq!(parents_first(3, &[(0, 1), (1, 2)]), [2, 1, 0]);
        assert_eq!(parents_first(2, &[(0, 0), (0, 1)]), [1, 0]);
        assert_eq!(parents_first(3, &[(0, 1), (1, 0), (2, 0)]), [0, 1, 2]);
    }

    proptest! {
        #[test]
        fn every_table_stands_once_and_after_its_parents(pairs in prop::collection::vec((0usize..8, 0usize..8), 0..20)) {
            // References from higher to lower numbers make no cycle.
            let references: Vec<_> = pairs.iter().map(|&(a, b)| (a.max(b), a.min(b))).filter(|(a, b)| a != b).collect();
            let order = parents_first(8, &references);
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
