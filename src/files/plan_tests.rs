use proptest::prelude::*;

use super::*;

const RULES: Rules = Rules {
    tolerance: 1,
    case_matters: true,
};

/// A tree of files (path, size, time) and of their folders.
fn tree(files: &[(&str, u64, i64)]) -> Tree {
    let mut tree = Tree::default();
    for (path, size, at) in files {
        for (slash, _) in path.match_indices('/') {
            tree.folders.insert(path[..slash].to_owned());
        }
        let changed = Some(Stamp::exact(*at));
        tree.files.insert(
            (*path).to_owned(),
            File {
                size: *size,
                changed,
            },
        );
    }
    tree
}

fn planned(source: &Tree, destination: &Tree) -> Vec<(String, Why)> {
    plan(source, destination, RULES).transfers
}

#[test]
fn what_is_missing_of_another_size_or_newer_is_transferred() {
    let source = tree(&[
        ("a", 1, 10),
        ("b", 2, 10),
        ("c/d", 1, 20),
        ("e", 1, 11),
        ("f", 1, 5),
    ]);
    let destination = tree(&[
        ("b", 1, 99),
        ("c/d", 1, 10),
        ("e", 1, 10),
        ("f", 1, 10),
        ("g", 1, 1),
    ]);
    let plan = plan(&source, &destination, RULES);
    let expected = [("a", Why::Missing), ("b", Why::Size), ("c/d", Why::Newer)];
    assert_eq!(
        plan.transfers,
        expected.map(|(path, why)| (path.to_owned(), why))
    );
    assert_eq!(plan.same, 2);
    assert!(plan.folders.is_empty() && plan.blocked.is_empty());
}

#[test]
fn names_are_the_same_in_other_capitals_where_that_does_not_matter() {
    let source = tree(&[("A/Tree.QGS", 1, 10), ("A/b", 2, 10), ("IMG.jpg", 1, 10)]);
    let destination = tree(&[
        ("a/tree.qgs", 2, 10),
        ("a/B", 2, 10),
        ("a/Tree.qgs.cfg", 1, 1),
    ]);
    let rules = Rules {
        case_matters: false,
        ..RULES
    };
    let plan = plan(&source, &destination, rules);
    let expected = [("IMG.jpg", Why::Missing), ("A/Tree.QGS", Why::Size)];
    assert_eq!(
        plan.transfers,
        expected.map(|(path, why)| (path.to_owned(), why))
    );
    assert_eq!(
        (plan.same, plan.retired),
        (1, vec!["a/Tree.qgs.cfg".to_owned()])
    );
    assert!(plan.folders.is_empty() && plan.blocked.is_empty());
}

#[test]
fn a_time_that_is_not_known_decides_nothing() {
    let mut source = tree(&[("a", 1, 10)]);
    source.files.get_mut("a").unwrap().changed = None;
    assert_eq!(planned(&source, &tree(&[("a", 1, 1)])), []);
    assert_eq!(planned(&tree(&[("a", 1, 1)]), &source), []);
}

#[test]
fn folders_are_made_also_empty_ones_and_parents_first() {
    let mut source = tree(&[("a/b/c", 1, 1)]);
    source.folders.insert("empty".to_owned());
    let plan = plan(&source, &Tree::default(), RULES);
    assert_eq!(plan.folders, ["a", "a/b", "empty"]);
}

#[test]
fn what_stands_in_the_way_is_told_and_left() {
    let source = tree(&[
        ("a/b", 1, 1),
        ("a/c/d", 1, 1),
        ("e", 1, 1),
        ("f", 1, 1),
        ("l/x", 1, 1),
    ]);
    let mut destination = tree(&[("a", 1, 1), ("e/x", 1, 1)]);
    destination.others.extend(["f".to_owned(), "l".to_owned()]);
    let plan = plan(&source, &destination, RULES);
    let paths: Vec<&str> = plan.blocked.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["a", "l", "e", "f"]);
    assert!(plan.transfers.is_empty() && plan.folders.is_empty());
}

#[test]
fn of_names_that_differ_only_in_capitals_one_is_taken_where_they_are_the_same() {
    let source = tree(&[("A/x", 1, 1), ("a/x", 1, 1), ("b", 1, 1), ("B", 1, 1)]);
    assert_eq!(planned(&source, &Tree::default()).len(), 4);
    let rules = Rules {
        case_matters: false,
        ..RULES
    };
    let plan = plan(&source, &Tree::default(), rules);
    assert_eq!(plan.transfers.len(), 2);
    assert_eq!(plan.blocked.len(), 2);
}

#[test]
fn the_configuration_goes_with_its_project_and_projects_come_last() {
    let source = tree(&[
        ("p.qgs", 2, 1),
        ("p.qgs.cfg", 1, 1),
        ("q.QGZ", 1, 9),
        ("z", 1, 1),
        ("r.qgs", 1, 1),
    ]);
    let destination = tree(&[
        ("p.qgs", 1, 1),
        ("p.qgs.cfg", 1, 5),
        ("q.QGZ", 1, 1),
        ("q.QGZ.cfg", 1, 1),
        ("r.qgs", 1, 1),
        ("r.qgs.cfg", 1, 1),
    ]);
    let plan = plan(&source, &destination, RULES);
    let expected = [
        ("p.qgs.cfg", Why::Project),
        ("z", Why::Missing),
        ("p.qgs", Why::Size),
        ("q.QGZ", Why::Newer),
    ];
    assert_eq!(
        plan.transfers,
        expected.map(|(path, why)| (path.to_owned(), why))
    );
    assert_eq!(plan.retired, ["q.QGZ.cfg"]);
    assert_eq!(plan.same, 1);
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let path = "[ab]{1,2}(/[ab]{1,2}){0,2}";
    let files = proptest::collection::vec((path, 0u64..3, 0i64..4), 0..8);
    files.prop_map(|files| {
        let mut made = Tree::default();
        for (path, size, at) in files {
            let one = tree(&[(&path, size, at)]);
            // A path is a file or a folder.
            let clash = one
                .folders
                .iter()
                .any(|folder| made.files.contains_key(folder));
            if !clash && !made.folders.contains(&path) {
                made.folders.extend(one.folders);
                made.files.extend(one.files);
            }
        }
        made
    })
}

proptest! {
    #[test]
    fn doing_what_is_planned_leaves_nothing_to_do(source in any_tree(), mut destination in any_tree()) {
        let first = plan(&source, &destination, RULES);
        let before = destination.clone();
        destination.folders.extend(first.folders.iter().cloned());
        for (path, _) in &first.transfers {
            let parent = path.rsplit_once('/').map(|(parent, _)| parent);
            prop_assert!(parent.is_none_or(|parent| destination.folders.contains(parent)));
            destination.files.insert(path.clone(), source.files[path]);
        }
        // Nothing that was there is gone.
        prop_assert!(before.files.keys().all(|path| destination.files.contains_key(path)));
        let second = plan(&source, &destination, RULES);
        prop_assert_eq!((second.transfers, second.folders), (vec![], vec![]));
        let told = |path: &str| first.blocked.iter().any(|(blocked, _)| path == blocked || path.starts_with(&format!("{blocked}/")));
        prop_assert!(source.files.iter().all(|(path, file)| told(path) || destination.files[path].size == file.size));
    }
}
