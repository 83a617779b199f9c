//! What people type: their names, and the names of rooms.

/// Longest name and room name, in characters.
const MAX_CHARACTERS: usize = 64;
/// Longest name and room name, in octets of UTF-8: 64 characters with an accent
/// each fit, 64 families with skin tones do not.
const MAX_OCTETS: usize = 256;

/// A name as others will see it; `None` when nothing is left, or too much.
pub(super) fn name(typed: &str) -> Option<String> {
    let spaced = typed
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c });
    let seen: String = spaced.filter(|c| !invisible(*c)).collect();
    fits(seen.trim())
}

/// A room's name; `None` when it can't be one.
pub(super) fn room(typed: &str) -> Option<String> {
    let bad = |c: char| c == '/' || c == '\\' || invisible(c);
    if typed.contains(bad) || typed == "." || typed == ".." {
        return None;
    }
    fits(typed.trim())
}

fn fits(text: &str) -> Option<String> {
    let fits = !text.is_empty() && text.len() <= MAX_OCTETS;
    (fits && text.chars().count() <= MAX_CHARACTERS).then(|| text.to_owned())
}

/// Characters that say nothing, or that turn the text around them.
fn invisible(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_what_people_see_and_lose_the_rest() {
        assert_eq!(name("  Anna Ü. "), Some("Anna Ü.".to_owned()));
        assert_eq!(name("A\u{0}n\u{202e}na\tB"), Some("Anna B".to_owned()));
        assert_eq!(
            name("👩‍💻"),
            Some("👩‍💻".to_owned()),
            "joined emoji stay joined"
        );
        for bad in [
            "",
            "   ",
            "\u{200b}\u{7}",
            &"x".repeat(65),
            &"👩‍💻".repeat(25),
        ] {
            assert_eq!(name(bad), None, "{bad:?}");
        }
        assert!(name(&"ü".repeat(64)).is_some());
    }

    #[test]
    fn room_names_are_part_of_a_path() {
        assert_eq!(room("abc-defg-hij"), Some("abc-defg-hij".to_owned()));
        assert_eq!(room("Küche & Bad"), Some("Küche & Bad".to_owned()));
        for bad in [
            "",
            " ",
            "a/b",
            "a\\b",
            "..",
            "a\nb",
            "a\u{202e}b",
            &"x".repeat(65),
        ] {
            assert_eq!(room(bad), None, "{bad:?}");
        }
    }
}
