//! Which rows of a table need others of it to be written first, or together. Pure.

/// Sorts rows `0..count` into groups: each row comes after the rows that it needs, and rows that need
/// each other (two codes that swap) share a group. `needs` holds pairs (who needs, what it needs).
pub fn groups(count: usize, needs: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut needed_by_row = vec![Vec::new(); count];
    let mut needing = vec![Vec::new(); count];
    for &(row, needed) in needs {
        needed_by_row[row].push(needed);
        needing[needed].push(row);
    }
    // Kosaraju's algorithm, with a stack of its own: chains may be longer than the thread's.
    let mut finished = Vec::with_capacity(count);
    let mut seen = vec![false; count];
    for start in 0..count {
        walk(start, &needing, &mut seen, &mut finished, true);
    }
    let mut seen = vec![false; count];
    let mut groups = Vec::new();
    for &start in finished.iter().rev() {
        let mut group = Vec::new();
        walk(start, &needed_by_row, &mut seen, &mut group, false);
        if !group.is_empty() {
            group.sort_unstable();
            groups.push(group);
        }
    }
    groups
}

/// Visits what can be reached from `start` and was not seen, depth first; adds each row to `order`
/// when it is left (`late`) or entered.
fn walk(start: usize, edges: &[Vec<usize>], seen: &mut [bool], order: &mut Vec<usize>, late: bool) {
    if std::mem::replace(&mut seen[start], true) {
        return;
    }
    if !late {
        order.push(start);
    }
    let mut path = vec![(start, 0)];
    while let Some((row, next)) = path.pop() {
        let Some(&other) = edges[row].get(next) else {
            if late {
                order.push(row);
            }
            continue;
        };
        path.push((row, next + 1));
        if !std::mem::replace(&mut seen[other], true) {
            if !late {
                order.push(other);
            }
            path.push((other, 0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::groups;
    use proptest::prelude::*;

    #[test]
    fn what_is_needed_comes_first_and_cycles_stay_together() {
        assert_eq!(groups(3, &[(0, 1), (1, 2)]), [vec![2], vec![1], vec![0]]);
        assert_eq!(groups(3, &[(0, 1), (1, 0), (2, 0)]), [vec![0, 1], vec![2]]);
        assert_eq!(groups(1, &[(0, 0)]), [vec![0]]);
        let chain: Vec<_> = (0..200_000).map(|row| (row, row + 1)).collect();
        assert_eq!(groups(200_001, &chain).len(), 200_001);
    }

    proptest! {
        #[test]
        fn every_row_stands_once_after_what_it_needs(needs in prop::collection::vec((0usize..9, 0usize..9), 0..25)) {
            let groups = groups(9, &needs);
            let mut all: Vec<_> = groups.iter().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..9).collect::<Vec<_>>());
            let place = |row| groups.iter().position(|group| group.contains(&row)).unwrap();
            for &(row, needed) in &needs {
                prop_assert!(place(needed) <= place(row));
            }
            // Only rows that need each other, perhaps through others, share a group.
            let mut reaches = [[false; 9]; 9];
            for &(row, needed) in &needs { reaches[row][needed] = true; }
            for k in 0..9 { for i in 0..9 { for j in 0..9 { reaches[i][j] |= reaches[i][k] && reaches[k][j]; } } }
            for a in 0..9 { for b in 0..9 { if a != b {
                prop_assert_eq!(place(a) == place(b), reaches[a][b] && reaches[b][a]);
            } } }
        }
    }
}
