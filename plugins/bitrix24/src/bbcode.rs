//! Between our plain text with Markdown links and Bitrix24's BB code.

/// Tags that chats on Bitrix24 know; everything else in brackets is somebody's own words.
const TAGS: [&str; 18] = [
    "b",
    "i",
    "u",
    "s",
    "size",
    "color",
    "url",
    "user",
    "chat",
    "img",
    "code",
    "br",
    "send",
    "put",
    "call",
    "timestamp",
    "quote",
    "icon",
];

/// Longest tag or link, in bytes: what is longer stays text, so that no text takes long to read.
const LONGEST: usize = 4_000;

const LINK_END: &str = "[/url]";

/// Stands after a bracket that is to be seen: Bitrix24 has no way to escape one, and a space of no
/// width keeps it from opening a tag.
pub(crate) const GUARD: char = '\u{200b}';

/// Writes Markdown links and bold words as BB code; other brackets stay brackets.
pub(crate) fn from_markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(at) = rest.find(['[', '*']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((link, after)) = link(rest) {
            out.push_str(&link);
            rest = after;
        } else if let Some((inner, after)) = bold(rest) {
            out.push_str(&format!("[b]{}[/b]", from_markdown(inner)));
            rest = after;
        } else {
            let first = &rest[..1];
            out.push_str(first);
            if first == "[" {
                out.push(GUARD);
            }
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

/// The BB code of a link to an address.
pub(crate) fn link_to(label: &str, url: &str) -> String {
    format!("[url={}]{}[/url]", url.replace('[', "%5B").replace(']', "%5D"), guarded(label))
}

/// `[label](https://…)` at the beginning, as BB code.
fn link(text: &str) -> Option<(String, &str)> {
    let (label, rest) = split_near(text.strip_prefix('[')?, "](")?;
    let (url, after) = split_near(rest, ")")?;
    let scheme = url.split_once("://")?.0;
    let fits = matches!(scheme, "http" | "https") && !url.contains(char::is_whitespace);
    let plain = !label.is_empty() && !label.contains(['[', '\n']);
    (fits && plain).then(|| (link_to(label, url), after))
}

/// `**words**` at the beginning.
fn bold(text: &str) -> Option<(&str, &str)> {
    let (inner, after) = split_near(text.strip_prefix("**")?, "**")?;
    let plain = !inner.is_empty() && inner.trim() == inner && !inner.contains('\n');
    plain.then_some((inner, after))
}

/// Splits at a mark that is not far away.
fn split_near<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let at = text[..text.floor_char_boundary(LONGEST)].find(mark)?;
    Some((&text[..at], &text[at + mark.len()..]))
}

pub(crate) fn guarded(text: &str) -> String {
    text.replace('[', &format!("[{GUARD}"))
}

/// Takes the BB code out of a text; links become Markdown links, `[br]` a new line.
pub(crate) fn to_plain(text: &str) -> String {
    // Lower case of ASCII keeps every position.
    let lower = text.to_ascii_lowercase();
    let last_end = lower.rfind(LINK_END).unwrap_or(0);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(open) = text[at..].find('[').map(|found| at + found) {
        out.push_str(&text[at..open]);
        at = open
            + match tag(&text[open..]) {
                Some(tag) => {
                    let inside = open + tag.length;
                    let ends = |_: &&str| tag.name == "url" && inside <= last_end;
                    let rest = Some(&lower[inside..]).filter(ends).and_then(|rest| rest.find(LINK_END));
                    opened(&mut out, &tag, rest.map(|length| &text[inside..inside + length]))
                }
                None => {
                    out.push('[');
                    1
                }
            };
    }
    out.push_str(&text[at..]);
    out.retain(|c| c != GUARD);
    out
}

/// Writes what a tag stands for, and says where to go on.
fn opened(out: &mut String, tag: &Tag<'_>, inner: Option<&str>) -> usize {
    match (tag.name.as_str(), inner) {
        ("br", _) => out.push('\n'),
        ("url", Some(inner)) if !tag.value.is_empty() => {
            match to_plain(inner).trim() {
                label if label.is_empty() || label == tag.value => out.push_str(tag.value),
                label => out.push_str(&format!("[{label}]({})", tag.value)),
            }
            return tag.length + inner.len() + LINK_END.len();
        }
        _ => {}
    }
    tag.length
}

struct Tag<'a> {
    /// In lower case, without the slash of a closing tag.
    name: String,
    value: &'a str,
    length: usize,
}

/// The known tag at the beginning.
fn tag(text: &str) -> Option<Tag<'_>> {
    let end = text[..text.floor_char_boundary(LONGEST)].find(']')?;
    let inner = &text[1..end];
    let body = inner.strip_prefix('/').unwrap_or(inner);
    let (name, value) = body.split_once(['=', ' ']).unwrap_or((body, ""));
    let name = name.to_ascii_lowercase();
    TAGS.contains(&name.as_str()).then_some(Tag { name, value, length: end + 1 })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn links_and_bold_words_become_bb_code_and_brackets_stay_words() {
        let cases = [
            ("hello", "hello"),
            ("see [our page](https://a.eu/x)!", "see [url=https://a.eu/x]our page[/url]!"),
            ("**now** or never", "[b]now[/b] or never"),
            ("**[page](http://a.eu)**", "[b][url=http://a.eu]page[/url][/b]"),
            ("2 ** 3 ** 4", "2 ** 3 ** 4"),
            ("a * b", "a * b"),
            ("[b]not bold[/b]", "[\u{200b}b]not bold[\u{200b}/b]"),
            ("[x](javascript:1)", "[\u{200b}x](javascript:1)"),
            ("[x](https://a.eu/[1])", "[url=https://a.eu/%5B1%5D]x[/url]"),
            ("[1] and [", "[\u{200b}1] and [\u{200b}"),
        ];
        for (markdown, expected) in cases {
            assert_eq!(from_markdown(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn bb_code_becomes_plain_text() {
        let cases = [
            ("hello", "hello"),
            ("[b]Name:[/b] [br]Hi", "Name: \nHi"),
            ("[B]x[/B][BR]", "x\n"),
            ("[url=https://a.eu]page[/url]", "[page](https://a.eu)"),
            ("[URL=https://a.eu]https://a.eu[/URL]", "https://a.eu"),
            ("[url]https://a.eu[/url]", "https://a.eu"),
            ("[url=https://a.eu]open", "open"),
            ("[url=https://a.eu][b]page[/b][/url]", "[page](https://a.eu)"),
            ("[img size=small]https://a.eu/i.png[/img]", "https://a.eu/i.png"),
            ("[user=12]Ann[/user], [1] [note] [", "Ann, [1] [note] ["),
            ("[color=#ff0000]r[/color]", "r"),
        ];
        for (bb, expected) in cases {
            assert_eq!(to_plain(bb), expected, "{bb}");
        }
    }

    proptest! {
        #[test]
        fn plain_words_survive_the_way_there_and_back(text in "[a-z\\[\\]/= .\n]{0,80}") {
            prop_assert_eq!(to_plain(&from_markdown(&text)), text);
        }

        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,120}", odd in "[\\[\\]*()/a-z=]{0,120}") {
            to_plain(&from_markdown(&text));
            to_plain(&odd);
            from_markdown(&odd);
        }
    }
}
