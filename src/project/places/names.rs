//! What elements, attributes and options are called that hold a source.

use super::super::forms::Role;

/// Whether something of this name holds a source.
pub(super) fn is_source(name: &str) -> bool {
    let length = name.len().saturating_sub("source".len());
    name.get(length..)
        .is_some_and(|end| end.eq_ignore_ascii_case("source"))
}

/// What stands beside a source: the names for the id of its layer, and for its provider.
pub(super) fn related(name: &str) -> ([String; 3], [String; 3]) {
    let base = name.get(..name.len().saturating_sub("source".len()));
    let base = base.unwrap_or_default();
    let base = base.strip_suffix("Data").unwrap_or(base);
    let fixed = |names: [&str; 3]| names.map(str::to_owned);
    match base {
        // <layer-tree-layer source>, <LayerStyle source>, <relation dataSource>
        "" | "data" => (
            fixed(["layerId", "layerid", "id"]),
            fixed(["providerKey", "provider", "provider"]),
        ),
        // The widget ValueRelation.
        "Layer" => (
            fixed(["Layer", "LayerId", "Layer"]),
            fixed(["LayerProviderName", "LayerProviderKey", "LayerProvider"]),
        ),
        // <Atlas coverageLayerSource>, the widget RelationReference and others.
        base => (
            [base.to_owned(), format!("{base}Id"), format!("{base}ID")],
            ["Provider", "ProviderKey", "ProviderName"].map(|end| format!("{base}{end}")),
        ),
    }
}

/// Whether it is worth to be kept.
pub(super) fn may_be_source(text: &str, role: Role) -> bool {
    let says = ["dbname", "service", "host", "layer=", "postgres"];
    match role {
        Role::Own => true,
        Role::Copy => !text.is_empty(),
        Role::Loose => says.iter().any(|word| text.contains(word)),
    }
}
