//! The fields of a form that was sent.

/// Names and values in the order in which the browser sent them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a urlencoded body.
    pub(super) fn decode(body: &[u8]) -> Self {
        Self::new(url::form_urlencoded::parse(body).into_owned())
    }

    /// Takes fields; browsers end lines with two characters, authors write one.
    pub(super) fn new(fields: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name, value.replace("\r\n", "\n"))).collect())
    }

    /// The first value of a name; empty when there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Whether a box is ticked.
    pub(super) fn ticked(&self, name: &str) -> bool {
        !self.get(name).is_empty()
    }

    /// All values of a name.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every name, as often as it came.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// The lines of a field, without blank ones.
    pub(super) fn lines(&self, name: &str) -> Vec<String> {
        let lines = self.get(name).lines().map(str::trim);
        lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// What somebody typed, for showing it again when it has no place any more.
    pub(super) fn typed(&self) -> Vec<(String, String)> {
        let ours = ["csrf", "revision", "node", "enabled"];
        let typed =
            self.0.iter().filter(|(name, value)| !ours.contains(&name.as_str()) && !value.trim().is_empty());
        typed.cloned().collect()
    }
}
