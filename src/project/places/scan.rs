//! From the events of a project to the places in it.

use crate::text::{Text, tr};
use std::collections::BTreeMap;
use std::ops::Range;

use quick_xml::events::{BytesStart, Event};

use super::super::forms::Role;
use super::super::xml::{self, Within};
use super::names::{is_source, may_be_source, related};
use super::{Place, Places};

/// An element that is open.
#[derive(Default)]
struct Frame {
    /// Where its content begins.
    start: usize,
    /// Whether everything within may be a source (custom properties, variables).
    loose: bool,
    /// What its text is, if that matters; children end it.
    text: Option<(Meaning, String)>,
    /// Values of the children that are called `Option`, by name.
    options: BTreeMap<String, String>,
    /// Places among them, with their name.
    sources: Vec<(usize, String)>,
    /// Of a layer: its id, its provider, and the place of its source.
    id: Option<String>,
    provider: Option<String>,
    own: Option<usize>,
}

/// What the text of an element means.
enum Meaning {
    Source,
    Provider,
    Id,
    /// The id of the layer that an attribute of the element repeats.
    LayerOf(usize),
    Loose,
}

/// An attribute, with the place of its value.
struct Attribute {
    name: String,
    value: String,
    range: Range<usize>,
    quote: char,
}

/// What was read so far.
pub(super) struct Scan<'a> {
    text: &'a str,
    pub found: Places,
    open: Vec<Frame>,
    /// Whether the document type defines entities.
    own_entities: bool,
    seen_root: bool,
}

impl<'a> Scan<'a> {
    pub fn of(text: &'a str) -> Self {
        Self {
            text,
            found: Places::default(),
            open: Vec::new(),
            own_entities: false,
            seen_root: false,
        }
    }

    /// Takes one event; `before` is where it begins.
    ///
    /// # Errors
    /// What is wrong there, as a clause.
    pub fn event(&mut self, event: Event<'_>, before: usize) -> Result<(), Text> {
        match event {
            Event::Start(tag) => self.begin(&tag, false),
            Event::Empty(tag) => {
                self.begin(&tag, true)?;
                self.end(before)
            }
            Event::End(_) => self.end(before),
            Event::Text(text) => {
                if self.open.is_empty() && !text.trim().is_empty() {
                    return Err(tr!("there is text outside of the project"));
                }
                self.gather(&text.xml10_content());
                Ok(())
            }
            Event::CData(text) => {
                self.gather(&text.xml10_content());
                Ok(())
            }
            Event::GeneralRef(name) => match xml::reference(&name) {
                Some(c) => {
                    self.gather(c.encode_utf8(&mut [0; 4]));
                    Ok(())
                }
                None if self.own_entities => {
                    // Unknown, so no source that could be replaced.
                    if let Some(frame) = self.open.last_mut() {
                        frame.text = None;
                    }
                    Ok(())
                }
                None => Err(tr!("a reference stands for nothing")),
            },
            Event::DocType(text) => {
                self.own_entities = text.contains('[');
                Ok(())
            }
            Event::Eof => match self.open.last() {
                Some(_) => Err(tr!("the file ends within the project")),
                None if !self.seen_root => Err(tr!("there is no project in it")),
                None => Ok(()),
            },
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Ok(()),
        }
    }

    fn gather(&mut self, text: &str) {
        if let Some(Frame {
            text: Some((_, gathered)),
            ..
        }) = self.open.last_mut()
        {
            gathered.push_str(text);
        }
    }

    fn begin(&mut self, tag: &BytesStart<'_>, empty: bool) -> Result<(), Text> {
        let tag_name = tag.name();
        let name = tag_name.0;
        if self.open.is_empty() {
            if self.seen_root {
                return Err(tr!("there is a second root"));
            }
            if name != "qgis" {
                return Err(tr!("it does not begin with <qgis>"));
            }
            self.seen_root = true;
        }
        let attributes = self.attributes(tag)?;
        let get = |name: &str| {
            let found = attributes.iter().find(|attribute| attribute.name == name);
            found.map(|attribute| attribute.value.as_str())
        };
        let inherited = self.open.last().is_some_and(|frame| frame.loose);
        // Newer versions write <properties name="…">, older ones an element of that name.
        let called = get("name").unwrap_or_default();
        let loose = inherited
            || matches!(
                name,
                "customproperties" | "custom-properties" | "variableValues"
            )
            || (name == "properties" && called == "variableValues");
        let meaning = match name {
            _ if name.eq_ignore_ascii_case("datasource") => Some(Meaning::Source),
            "provider" => Some(Meaning::Provider),
            "id" => Some(Meaning::Id),
            _ if loose => Some(Meaning::Loose),
            _ => None,
        };
        let mut frame = Frame {
            text: meaning.map(|meaning| (meaning, String::new())),
            start: if empty { 0 } else { self.after(tag) },
            loose,
            ..Frame::default()
        };
        for attribute in &attributes {
            let key = attribute.name.as_str();
            let option = name == "Option" && key == "value";
            let place = if loose {
                matches!(key, "value").then_some(Role::Loose)
            } else {
                let source = is_source(key)
                    || (option && is_source(called))
                    // Where an embedded layer comes from.
                    || key == "project";
                source.then_some(Role::Copy)
            };
            let at = self.found.places.len();
            if let Some(role) = place
                && may_be_source(&attribute.value, role)
            {
                let (layer, provider) = related(key);
                let any =
                    |keys: [String; 3]| keys.iter().find_map(|key| get(key)).map(str::to_owned);
                let layer = match option {
                    true => None,
                    false => any(layer),
                };
                if key == "source" && layer.is_none() && !empty {
                    frame.text = Some((Meaning::LayerOf(at), String::new()));
                }
                self.found.places.push(Place {
                    range: attribute.range.clone(),
                    within: Within::Attribute(attribute.quote),
                    value: attribute.value.clone(),
                    role,
                    provider: if option { None } else { any(provider) },
                    layer,
                });
                if option && let Some(parent) = self.open.last_mut() {
                    parent.sources.push((at, called.to_owned()));
                }
            }
        }
        if let Some(parent) = self.open.last_mut() {
            parent.text = None;
            if name == "Option"
                && let Some(value) = get("value")
                && value.len() < 1000
            {
                parent.options.insert(called.to_owned(), value.to_owned());
            }
        }
        self.open.push(frame);
        Ok(())
    }

    /// Ends the innermost element; `before` is where its end tag begins.
    fn end(&mut self, before: usize) -> Result<(), Text> {
        let Some(mut frame) = self.open.pop() else {
            return Err(tr!("an element ends that did not begin"));
        };
        for (at, name) in &frame.sources {
            let (layer, provider) = related(name);
            let any = |keys: [String; 3]| {
                let found = keys.iter().find_map(|key| frame.options.get(key));
                found.filter(|value| !value.is_empty()).cloned()
            };
            if let Some(place) = self.found.places.get_mut(*at) {
                place.layer = any(layer);
                place.provider = any(provider);
            }
        }
        if let Some(own) = frame.own
            && let Some(place) = self.found.places.get_mut(own)
        {
            place.provider = frame.provider.take();
            if let Some(id) = frame.id.take() {
                self.found.layers.insert(id, own);
            }
        }
        let Some((meaning, value)) = frame.text else {
            return Ok(());
        };
        let at = self.found.places.len();
        let role = match meaning {
            Meaning::LayerOf(place) => {
                if let Some(place) = self.found.places.get_mut(place) {
                    place.layer = Some(value);
                }
                return Ok(());
            }
            Meaning::Provider | Meaning::Id => {
                if let Some(parent) = self.open.last_mut() {
                    match meaning {
                        Meaning::Id => parent.id = Some(value),
                        _ => parent.provider = Some(value),
                    }
                }
                return Ok(());
            }
            Meaning::Source => Role::Own,
            Meaning::Loose => Role::Loose,
        };
        if frame.start > 0 && may_be_source(&value, role) {
            if role == Role::Own
                && let Some(parent) = self.open.last_mut()
            {
                parent.own = Some(at);
            }
            self.found.places.push(Place {
                range: frame.start..before,
                within: Within::Text,
                value,
                role,
                provider: None,
                layer: None,
            });
        }
        Ok(())
    }

    fn attributes(&self, tag: &BytesStart<'_>) -> Result<Vec<Attribute>, Text> {
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|_| tr!("an attribute is not well-formed"))?;
            let name = attribute.key.0.to_owned();
            let raw: &str = &attribute.value;
            let Some(value) = xml::read(raw) else {
                // With an entity of its own it is no source that could be replaced.
                if self.own_entities && !raw.contains('<') {
                    continue;
                }
                return Err(tr!("an attribute is not well-formed"));
            };
            let start = self.offset(raw);
            let quote = self.text[..start].chars().next_back().unwrap_or('"');
            attributes.push(Attribute {
                value,
                range: start..start + raw.len(),
                name,
                quote,
            });
        }
        Ok(attributes)
    }

    /// Where a part of the text begins in it.
    fn offset(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }

    /// Where the content of an element begins: behind the `>` of its tag.
    fn after(&self, tag: &BytesStart<'_>) -> usize {
        self.offset(tag) + tag.len() + 1
    }
}
