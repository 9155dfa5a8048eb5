//! One project: its text in, its text out. Pure.

use crate::text::Text;
use std::collections::BTreeMap;

use super::forms::{self, Found, Role, Rules};
use super::places::{self, Place, Places};
use super::xml;

/// What became of a project.
pub(super) struct Document {
    /// The new text, if it is another one.
    pub text: Option<String>,
    /// Sources that mean the central.
    pub sources: u64,
    /// How many of them were replaced by another text.
    pub replaced: u64,
}

/// Replaces what means the central in the text of a project.
///
/// # Errors
/// What is wrong with the text, as a clause.
pub(super) fn adapt(text: &str, rules: &dyn Rules) -> Result<Document, Text> {
    let found = places::find(text)?;
    let layers = own_sources(&found, rules);
    let mut new = String::with_capacity(text.len() + 256);
    let (mut copied, mut sources, mut replaced) = (0, 0, 0);
    for place in &found.places {
        let Some(value) = place_of(place, &layers, rules) else {
            continue;
        };
        sources += 1;
        if value == place.value {
            continue;
        }
        replaced += 1;
        let raw = &text[place.range.clone()];
        new.push_str(&text[copied..place.range.start]);
        new.push_str(&match xml::decode(raw) {
            Some(chars) => xml::replaced(raw, &chars, &value, place.within),
            // CDATA.
            None => xml::escape(&value, place.within),
        });
        copied = place.range.end;
    }
    new.push_str(&text[copied..]);
    Ok(Document {
        text: (replaced > 0).then_some(new),
        sources,
        replaced,
    })
}

/// A layer's own source, with the connection replaced.
struct Own {
    provider: Option<String>,
    source: String,
}

/// The layers that are read from the central.
fn own_sources<'a>(found: &'a Places, rules: &dyn Rules) -> BTreeMap<&'a str, Own> {
    let mut layers = BTreeMap::new();
    for (id, at) in &found.layers {
        let Some(place) = found.places.get(*at) else {
            continue;
        };
        let provider = place.provider.as_deref();
        if let Found::Central(source) = forms::adapt(rules, provider, &place.value, Role::Own) {
            let own = Own {
                provider: place.provider.clone(),
                source,
            };
            layers.insert(id.as_str(), own);
        }
    }
    layers
}

/// What has to stand in a place that means the central.
fn place_of(place: &Place, layers: &BTreeMap<&str, Own>, rules: &dyn Rules) -> Option<String> {
    let own = place.layer.as_deref().and_then(|layer| layers.get(layer));
    let provider = place
        .provider
        .as_deref()
        .or_else(|| own.and_then(|own| own.provider.as_deref()));
    let found = forms::adapt(rules, provider, &place.value, place.role);
    // QGIS takes passwords out of copies by a pattern that not every password fits; the rest of one
    // may look like a key or a word.
    if let (Some(own), Found::Central(_) | Found::Broken(_)) = (own, &found) {
        let provider = own.provider.as_deref();
        return Some(match forms::lacks_password(provider, &place.value) {
            true => forms::without_password(provider, &own.source).into_owned(),
            false => own.source.clone(),
        });
    }
    match found {
        Found::Central(new) | Found::Broken(Some(new)) => Some(new),
        Found::Broken(None) | Found::Other => None,
    }
}

#[cfg(test)]
mod tests;
