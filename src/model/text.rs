//! Words from outside, made fit for a screen.
//!
//! Subjects, addresses, paths and FFmpeg's stderr are written by strangers. A terminal obeys some of what they could
//! write (escape sequences, carriage returns), and a reader is deceived by the rest (text that runs backwards, marks
//! that cannot be seen). Both are taken out here, once, before anything is drawn or logged.

/// `text` on one line, without anything that a terminal obeys or an eye cannot see, at most `max` characters long.
///
/// Line breaks, tabs and other white space become one space each time, so that words do not grow together. Control
/// characters go, the escape character among them: what is left of an escape sequence is harmless letters. A text that
/// had to be cut ends with `…`, which counts.
pub fn fit_for_screen(text: &str, max: usize) -> String {
    let mut fit = String::new();
    let mut length = 0;
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() {
            gap = length > 0;
            continue;
        }
        if c.is_control() || unseen(c) {
            continue;
        }
        let wanted = 1 + usize::from(gap);
        if length + wanted > max {
            return cut(fit, length, max);
        }
        if gap {
            fit.push(' ');
        }
        fit.push(c);
        length += wanted;
        gap = false;
    }
    fit
}

/// Whether nothing is in it that a terminal obeys. For what must stay as it is (a path, a name) and cannot be made fit.
pub fn is_harmless(text: &str) -> bool {
    !text.contains(char::is_control)
}

/// Ends a text that has more to say with `…`, within `max` characters.
fn cut(mut fit: String, length: usize, max: usize) -> String {
    if max == 0 {
        return fit;
    }
    if length == max {
        fit.pop();
    }
    fit.truncate(fit.trim_end().len());
    fit.push('…');
    fit
}

/// Characters that change how others are shown, or take no room: direction marks, joiners, fillers, tags, annotations.
fn unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}'            // soft hyphen, grapheme joiner, Arabic letter mark
        | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' // fillers and vowels without a shape
        | '\u{180b}'..='\u{180f}'                   // Mongolian selectors
        | '\u{200b}'..='\u{200f}'                   // zero-width space and joiners, direction marks
        | '\u{202a}'..='\u{202e}'                   // directions embedded and overridden
        | '\u{2060}'..='\u{206f}'                   // word joiner, invisible operators, directions isolated
        | '\u{3164}' | '\u{ffa0}'                   // Hangul fillers
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'      // variation selectors, byte order mark
        | '\u{fff0}'..='\u{fffb}'                   // annotations
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' // shorthand and music controls
        | '\u{e0000}'..='\u{e0fff}') // tags and more selectors
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("Motion Detected", 40, "Motion Detected")]
    #[case::other_scripts("Détection: движение 移动侦测 ✓", 40, "Détection: движение 移动侦测 ✓")]
    #[case::colours("\x1b[31mred\x1b[0m", 40, "[31mred[0m")]
    #[case::title("\x1b]0;owned\x07x", 40, "]0;ownedx")]
    #[case::eight_bit_controls("\u{9b}2Jx\u{9d}y", 40, "2Jxy")]
    #[case::lines("one\r\ntwo\tthree\n", 40, "one two three")]
    #[case::other_lines("one\u{2028}two\u{2029}three\u{b}four", 40, "one two three four")]
    #[case::backwards("clip\u{202e}4pm.exe\u{202c}\u{2066}!", 40, "clip4pm.exe!")]
    #[case::unseen("a\u{200b}b\u{200d}c\u{feff}d\u{e0041}e\u{fe0f}", 40, "abcde")]
    #[case::nul("a\0b\x7f", 40, "ab")]
    #[case::only_rubbish(" \r\n\x1b\u{200b} ", 40, "")]
    #[case::cut("Motion Detected", 10, "Motion De…")]
    #[case::cut_at_a_space("Motion Detected", 8, "Motion…")]
    #[case::fits_exactly("Motion", 6, "Motion")]
    #[case::space_at_the_end_is_no_more_to_say("Motion  \n", 6, "Motion")]
    #[case::one("Motion", 1, "…")]
    #[case::none("Motion", 0, "")]
    fn what_is_drawn(#[case] text: &str, #[case] max: usize, #[case] fit: &str) {
        assert_eq!(fit_for_screen(text, max), fit);
    }

    proptest! {
        #[test]
        fn never_too_long_never_obeyed_and_fitting_twice_changes_nothing(text in any::<String>(), max in 0usize..60) {
            let fit = fit_for_screen(&text, max);
            prop_assert!(fit.chars().count() <= max);
            prop_assert!(fit.chars().all(|c| !c.is_control() && !unseen(c) && (c == ' ' || !c.is_whitespace())));
            prop_assert_eq!(fit.trim(), fit.as_str());
            prop_assert_eq!(fit_for_screen(&fit, max), fit);
        }
    }
}
