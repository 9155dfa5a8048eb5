//! SQL files with places for identifiers.

/// The text of an SQL file; `{name}` marks a place for composed SQL (quoted identifiers, lists).
#[derive(Debug, Clone)]
pub struct Template<'a> {
    text: &'a str,
    values: Vec<(&'a str, String)>,
}

impl<'a> Template<'a> {
    /// The template of that text, without the comment at its head: that one explains the places by
    /// name, and nothing may be filled in there.
    pub fn new(text: &'a str) -> Self {
        let mut rest = text;
        while rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        }
        Self {
            text: rest,
            values: Vec::new(),
        }
    }

    /// Puts `sql`, already quoted, in every place called `name`.
    #[must_use]
    pub fn set(mut self, name: &'a str, sql: impl Into<String>) -> Self {
        debug_assert!(
            self.text.contains(&format!("{{{name}}}")),
            "no place {name} in the SQL"
        );
        self.values.push((name, sql.into()));
        self
    }

    /// The composed SQL. What was put in is not searched for places again.
    pub fn sql(&self) -> String {
        let mut sql = String::with_capacity(self.text.len());
        let mut rest = self.text;
        while let Some(start) = rest.find('{') {
            sql.push_str(&rest[..start]);
            rest = &rest[start..];
            let place = self.values.iter().find(|(name, _)| {
                rest[1..]
                    .strip_prefix(name)
                    .is_some_and(|after| after.starts_with('}'))
            });
            match place {
                Some((name, value)) => {
                    sql.push_str(value);
                    rest = &rest[name.len() + 2..];
                }
                None => {
                    sql.push('{');
                    rest = &rest[1..];
                }
            }
        }
        sql.push_str(rest);
        sql
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_at_the_head_is_left_out() {
        let template = Template::new("-- {x} is\n--a place\nSELECT {x} -- {y}").set("x", "a\nb");
        assert_eq!(template.sql(), "SELECT a\nb -- {y}");
    }

    #[test]
    fn only_named_places_are_filled_and_only_once() {
        let template = Template::new("a {x} {y} '{}' {\"k\": 1} {x}")
            .set("x", "{y}")
            .set("y", "2");
        assert_eq!(template.sql(), "a {y} 2 '{}' {\"k\": 1} {y}");
    }
}
