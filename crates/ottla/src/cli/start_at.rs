//! The text forms of a place in a topic: `-o` of `topic consume` and `--to` of `group seek`.

use client::{Position, StartAt};

const FORMS: &str = "start, end, an OFFSET, +N (N after the start), -N (N before the end) or \
                     @TIMESTAMP (milliseconds since 1970)";

/// Reads any of the forms.
pub(crate) fn parse(text: &str) -> Result<StartAt, String> {
    let unknown = || format!("write {FORMS}");
    // Digits only: the parsers of the standard library would take a second sign.
    let count = |digits: &str| match !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        true => digits.parse::<i64>().map_err(|_| unknown()),
        false => Err(unknown()),
    };
    match text.split_at_checked(1) {
        _ if text == "start" => Ok(StartAt::Position(Position::Start)),
        _ if text == "end" => Ok(StartAt::Position(Position::End)),
        Some(("+", digits)) => count(digits).map(StartAt::AfterStart),
        Some(("-", digits)) => count(digits).map(StartAt::BeforeEnd),
        Some(("@", digits)) => count(digits).map(|time| StartAt::Position(Position::Time(time))),
        _ => count(text).map(StartAt::Offset),
    }
}

/// Reads the forms that mean the same for every group: no offsets relative to an end.
pub(crate) fn parse_absolute(text: &str) -> Result<StartAt, String> {
    match parse(text) {
        Ok(at @ (StartAt::Position(_) | StartAt::Offset(_))) => Ok(at),
        Ok(StartAt::AfterStart(_) | StartAt::BeforeEnd(_)) | Err(_) => {
            Err("write start, end, an OFFSET or @TIMESTAMP (milliseconds since 1970)".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        for (text, at) in [
            ("start", StartAt::Position(Position::Start)),
            ("end", StartAt::Position(Position::End)),
            ("0", StartAt::Offset(0)),
            ("9223372036854775807", StartAt::Offset(i64::MAX)),
            ("+0", StartAt::AfterStart(0)),
            ("+12", StartAt::AfterStart(12)),
            ("-3", StartAt::BeforeEnd(3)),
            (
                "@1700000000000",
                StartAt::Position(Position::Time(1_700_000_000_000)),
            ),
        ] {
            assert_eq!(parse(text), Ok(at), "{text}");
            let absolute = !text.starts_with(['+', '-']);
            assert_eq!(parse_absolute(text).is_ok(), absolute, "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "+",
            "-",
            "@",
            "--1",
            "+-1",
            "@-1",
            "1x",
            "Start",
            "9223372036854775808",
            "é",
            "@ä",
        ] {
            assert!(parse(text).is_err(), "{text}");
            assert!(parse_absolute(text).is_err(), "{text}");
        }
    }
}
