//! Which files a channel takes, by their media types.

use std::borrow::Cow;

use serde::Deserialize;

/// Media types: none, any, or those that are listed, such as `image/*` or `application/pdf`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct FileTypes(Cow<'static, [Cow<'static, str>]>);

impl FileTypes {
    /// Files of any type.
    pub const ANY: Self = Self(Cow::Borrowed(&[Cow::Borrowed("*/*")]));

    /// The types as a client's file dialog takes them.
    pub(super) fn listed(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }

    /// Whether a file of this type is among them. Parameters of the type do not matter.
    pub(super) fn holds(&self, media_type: &str) -> bool {
        let (kind, subtype) = parts(media_type);
        let fits = |pattern: &Cow<'_, str>| {
            let (wanted, exactly) = parts(pattern);
            (wanted == "*" || wanted == kind) && (exactly == "*" || exactly == subtype)
        };
        self.0.iter().any(fits)
    }
}

impl TryFrom<Vec<String>> for FileTypes {
    type Error = String;

    fn try_from(types: Vec<String>) -> Result<Self, String> {
        let plain = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_graphic() && c != '/' && c != ',')
        };
        let wrong = types.iter().find(|text| {
            let parts: Vec<_> = text.split('/').collect();
            parts.len() != 2 || !parts.iter().all(|part| plain(part)) || (parts[0] == "*" && parts[1] != "*")
        });
        match wrong {
            Some(text) => {
                Err(format!("{text:?} is no media type; write it like \"image/*\" or \"application/pdf\""))
            }
            None => Ok(Self(types.into_iter().map(|text| Cow::Owned(text.to_ascii_lowercase())).collect())),
        }
    }
}

fn parts(media_type: &str) -> (String, String) {
    let whole = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (kind, subtype) = whole.split_once('/').unwrap_or((&whole, ""));
    (kind.to_owned(), subtype.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(listed: &[&str]) -> Result<FileTypes, String> {
        listed.iter().map(ToString::to_string).collect::<Vec<_>>().try_into()
    }

    #[test]
    fn a_file_is_taken_by_its_type_or_its_kind() {
        let some = types(&["image/*", "Application/PDF"]).unwrap();
        for (media_type, taken) in [
            ("image/png", true),
            ("IMAGE/JPEG; q=1", true),
            ("application/pdf", true),
            ("application/zip", false),
            ("imagery/png", false),
            ("nonsense", false),
            ("", false),
        ] {
            assert_eq!(some.holds(media_type), taken, "{media_type}");
            assert!(FileTypes::ANY.holds(media_type), "{media_type}");
            assert!(!types(&[]).unwrap().holds(media_type), "{media_type}");
        }
    }

    #[test]
    fn what_is_no_media_type_is_refused() {
        for wrong in ["png", "image/", "/png", "*/png", "image/png/x", "image/ png", "a/b,c/d"] {
            assert!(types(&[wrong]).unwrap_err().contains("is no media type"), "{wrong}");
        }
        assert_eq!(types(&["*/*"]).unwrap(), FileTypes::ANY);
    }
}
