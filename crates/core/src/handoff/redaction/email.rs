//! E-mail addresses.

use std::ops::Range;

use linkify::{LinkFinder, LinkKind};

/// Every e-mail address. Its domain has a dot.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    if !text.contains('@') {
        return Vec::new();
    }
    let mut finder = LinkFinder::new();
    finder.kinds(&[LinkKind::Email]);
    finder.links(text).map(|link| link.start()..link.end()).collect()
}
