//! Putting a source together again, with another connection.

use super::{CONNECTION, Pair, Piece, Source};

impl Source {
    /// The same source with another connection: key, value, and whether the value is put in quotes
    /// where nothing says so yet. It stands where the first key of the old connection stood; the old
    /// one goes, with stray words before the table, which may be pieces of a password.
    #[must_use]
    pub(in crate::project) fn with_connection(&self, block: &[(&str, &str, bool)]) -> Self {
        let quoted_before = |key: &str| {
            let mut same = self.pairs().filter(|pair| pair.key == key);
            same.next().map(|pair| pair.quoted)
        };
        let mut new = Vec::new();
        for (key, value, quoted) in block {
            if !new.is_empty() {
                new.push(Piece::Gap(" ".to_owned()));
            }
            let quoted = quoted_before(key).unwrap_or(*quoted);
            new.push(Piece::Pair(Pair::new(key, value, quoted)));
        }
        let is_connection = |piece: &Piece| match piece {
            Piece::Pair(pair) => CONNECTION.contains(&pair.key.as_str()),
            _ => false,
        };
        let table = self.pieces.iter().position(|piece| match piece {
            Piece::Pair(pair) => matches!(pair.key.as_str(), "table" | "sql"),
            _ => false,
        });
        let mut built = Builder::default();
        let mut unplaced = Some(new);
        if !self.pieces.iter().any(is_connection) {
            built.place(unplaced.take());
        }
        for (at, piece) in self.pieces.iter().enumerate() {
            let stray = matches!(piece, Piece::Stray(_)) && table.is_none_or(|table| at < table);
            if is_connection(piece) && unplaced.is_some() {
                built.place(unplaced.take());
            } else if stray || is_connection(piece) {
                built.leave_out();
            } else {
                built.push(piece.clone());
            }
        }
        Self {
            dialect: self.dialect,
            pieces: built.pieces,
        }
    }

    /// The same source without a key.
    #[must_use]
    pub(in crate::project) fn without(&self, key: &str) -> Self {
        let mut built = Builder::default();
        for piece in &self.pieces {
            match piece {
                Piece::Pair(pair) if pair.key == key => built.leave_out(),
                _ => built.push(piece.clone()),
            }
        }
        Self {
            dialect: self.dialect,
            pieces: built.pieces,
        }
    }
}

/// Pieces that are put together anew, with a space where two would touch that did not before.
#[derive(Default)]
struct Builder {
    pieces: Vec<Piece>,
    seam: bool,
}

impl Builder {
    fn push(&mut self, piece: Piece) {
        let gap = |piece: &Piece| matches!(piece, Piece::Gap(_));
        if self.seam && !gap(&piece) && self.pieces.last().is_some_and(|last| !gap(last)) {
            self.pieces.push(Piece::Gap(" ".to_owned()));
        }
        self.seam = false;
        self.pieces.push(piece);
    }

    fn place(&mut self, pieces: Option<Vec<Piece>>) {
        self.pieces.extend(pieces.into_iter().flatten());
        self.seam = true;
    }

    /// Leaves a piece out, with the space that separated it.
    fn leave_out(&mut self) {
        if matches!(self.pieces.last(), Some(Piece::Gap(_))) {
            self.pieces.pop();
        }
        self.seam = true;
    }
}

impl Pair {
    fn new(key: &str, value: &str, quoted: bool) -> Self {
        let plain = |c: char| c.is_alphanumeric() || "._-:,/%~@+".contains(c);
        let quoted = quoted || value.is_empty() || !value.chars().all(plain);
        let raw = if quoted {
            let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
            format!("{key}='{escaped}'")
        } else {
            format!("{key}={value}")
        };
        Self {
            key: key.to_owned(),
            value: value.to_owned(),
            quoted,
            sound: true,
            raw,
        }
    }
}
