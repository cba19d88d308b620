//! Zendesk's points in time: `2020-09-30T15:14:29.834Z`.

use handoff_sdk::model::Timestamp;

/// Reads a point in time; none when it is written otherwise.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(clock, ':')?;
    let sane = (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !sane {
        return None;
    }
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some(Timestamp(seconds * 1000 + milliseconds(fraction)?))
}

/// A point in time for people, to the minute, in UTC.
pub(crate) fn written(at: Timestamp) -> String {
    let minutes = at.0.div_euclid(60_000);
    let (day, minute) = (minutes.div_euclid(1440), minutes.rem_euclid(1440));
    let (year, month, date) = civil(day);
    format!("{year:04}-{month:02}-{date:02} {:02}:{:02} UTC", minute / 60, minute % 60)
}

/// Year, month and day of a number of days since 1970-01-01; what [`days`] undoes.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, date)
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between).map(|part| part.parse::<u16>().map(i64::from));
    let three = [parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?];
    parts.next().is_none().then_some(three)
}

fn milliseconds(fraction: &str) -> Option<i64> {
    let digits: String = fraction.chars().chain("00".chars()).take(3).collect();
    digits.parse::<u16>().ok().map(i64::from)
}

/// Days since 1970-01-01 in the Gregorian calendar, counted in years that begin in March.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_in_time_is_written_as_it_was_read() {
        for text in ["1970-01-01T00:00", "2020-09-30T15:14", "2024-02-29T23:59", "2026-12-31T12:00"] {
            let at = parse(&format!("{text}:59Z")).unwrap();
            assert_eq!(written(at), format!("{} UTC", text.replace('T', " ")));
        }
    }

    #[test]
    fn points_in_time_are_read_to_the_millisecond() {
        for (text, expected) in [
            ("1970-01-01T00:00:00.000Z", Some(0)),
            ("2020-09-30T15:14:29.834Z", Some(1_601_478_869_834)),
            ("2024-02-29T23:59:59Z", Some(1_709_251_199_000)),
            ("2026-01-01T00:00:00.5Z", Some(1_767_225_600_500)),
            ("2026-13-01T00:00:00Z", None),
            ("2026-01-01T00:00:00", None),
            ("yesterday", None),
            ("", None),
            ("2026-01-01T-1:00:00Z", None),
            ("99999999999999999999-01-01T00:00:00Z", None),
        ] {
            assert_eq!(parse(text).map(|at| at.0), expected, "{text}");
        }
    }
}
