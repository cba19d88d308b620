//! What customers of a bank really wrote: the banking77 data set, when it is there.

use std::{env, fs, path::PathBuf};

use crate::built::root;

/// Names the folder of the data set.
pub const DATA: &str = "HANDOFF_TEST_DATA";

/// Sentences in their order, at most so many; none, with the reason, when the data set is not there.
///
/// # Errors
/// A sentence that says where it was looked for.
pub fn sentences(most: usize) -> Result<Vec<String>, String> {
    let folder = match env::var_os(DATA) {
        Some(folder) => PathBuf::from(folder),
        None => root().join("../shared/data/banking77"),
    };
    let file = folder.join("test.csv");
    let text = fs::read_to_string(&file)
        .map_err(|_| format!("left out: there is no banking77 data set; set {DATA} to its folder"))?;
    Ok(text_column(&text).take(most).collect())
}

/// The first column of a table with a heading.
fn text_column(table: &str) -> impl Iterator<Item = String> {
    records(table).into_iter().skip(1).map(|record| record.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The first field of each record; a quoted field may hold commas and line breaks.
fn records(table: &str) -> Vec<String> {
    let (mut all, mut field, mut column, mut quoted) = (Vec::new(), String::new(), 0, false);
    let mut letters = table.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => column += 1,
            '\n' if !quoted => {
                all.push(std::mem::take(&mut field));
                column = 0;
            }
            other if column == 0 => field.push(other),
            _ => {}
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_column_is_read_with_its_quotes_commas_and_line_breaks() {
        let table = "text,category\nplain,a\n\"one, two\",b\n\"a \"\"word\"\"\",c\n\"two\nlines\",d\n";
        let found: Vec<_> = text_column(table).collect();
        assert_eq!(found, ["plain", "one, two", "a \"word\"", "two\nlines"]);
    }
}
