//! Percent-encoding, as in URLs. Pure.

use std::fmt::Write;

/// Encodes all but letters, digits and `-._~`, as Qt does.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Decodes; a `%` without two digits stands for itself. `None` for what is no UTF-8.
pub(super) fn decode(text: &str) -> Option<String> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, others)) = rest.split_first() {
        rest = others;
        match (first, others) {
            (b'%', [high, low, others @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    decoded.push(high * 16 + low);
                    rest = others;
                }
                _ => decoded.push(first),
            },
            _ => decoded.push(first),
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{decode, encode};

    #[test]
    fn what_is_no_code_stands_for_itself() {
        assert_eq!(decode("100%+%2g%").unwrap(), "100%+%2g%");
        assert_eq!(decode("%c3%A9 ").unwrap(), "é ");
        assert_eq!(decode("%ff"), None);
        assert_eq!(encode("a b/é~"), "a%20b%2F%C3%A9~");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in any::<String>()) {
            prop_assert_eq!(decode(&encode(&text)), Some(text));
        }

        #[test]
        fn no_text_is_too_odd(text in "[%0-9a-fA-Fgé]{0,20}") {
            let _ = decode(&text);
        }
    }
}
