//! What an open channel made of a chat in the CRM, for the receipt and nothing more.

/// A sentence about the first three fields of a chat's `entity_data_1`.
pub(crate) fn remark(entity_data_1: &str) -> Option<String> {
    let mut fields = entity_data_1.split('|');
    let (linked, kind, number) = (fields.next()?, fields.next()?, fields.next()?);
    let known = matches!(kind, "LEAD" | "DEAL" | "CONTACT" | "COMPANY");
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    (linked == "Y" && known).then(|| format!("linked in the CRM with {} {number}", kind.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_link_is_told() {
        let told = remark("Y|DEAL|1207|N|N|343|1691226894|0|0|0");
        assert_eq!(told.as_deref(), Some("linked in the CRM with deal 1207"));
        for nothing in
            ["", "N|NONE|0|N|N|343", "Y|NONE|0", "Y|DEAL|0", "Y|DEAL", "Y|EVIL<b>|3", "N|DEAL|1207"]
        {
            assert_eq!(remark(nothing), None, "{nothing}");
        }
    }
}
