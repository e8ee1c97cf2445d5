//! A line written into the text of `nvr.toml` as a person would: comments, order and spaces stay as they are.

use crate::model::id::CameraName;
use crate::model::transcript::Fix;
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// What became of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edited {
    /// The text with the line in it.
    New(String),
    /// It says so already.
    Already,
}

/// The text with what `fix` asks for. The error is a sentence without its remedy.
pub(super) fn add(text: &str, fix: &Fix) -> Result<Edited, String> {
    let mut document: DocumentMut = text.parse().map_err(|_| "this is not TOML".to_owned())?;
    let changed = match fix {
        Fix::Alias { camera, word } => add_word(camera_of(&mut document, camera.as_ref())?, "alias", [], word)?,
        Fix::Mail { camera, by, value } => add_rule(camera_of(&mut document, camera.as_ref())?, by.key(), value)?,
        Fix::Allow(address) => add_network(&mut document, &address.to_string())?,
    };
    if !changed {
        return Ok(Edited::Already);
    }
    let new = document.to_string();
    // What is written by this comes with a bare LF.
    let crlf = text.contains("\r\n") && !text.replace("\r\n", "").contains('\n');
    Ok(Edited::New(if crlf { new.replace("\r\n", "\n").replace('\n', "\r\n") } else { new }))
}

fn camera_of<'d>(document: &'d mut DocumentMut, name: Option<&CameraName>) -> Result<&'d mut dyn TableLike, String> {
    let name = name.ok_or("nobody has said for which camera")?;
    block(document, name).ok_or_else(|| format!("there is no block of {name} in it"))
}

/// The table of a camera, however the list of cameras is written.
fn block<'d>(document: &'d mut DocumentMut, name: &CameraName) -> Option<&'d mut dyn TableLike> {
    fn is_called(table: &dyn TableLike, name: &CameraName) -> bool {
        table.get("name").and_then(Item::as_str) == Some(name.as_str())
    }
    match document.get_mut("camera")? {
        Item::ArrayOfTables(tables) => {
            let table = tables.iter_mut().find(|table| is_called(*table, name))?;
            Some(table)
        }
        Item::Value(Value::Array(tables)) => {
            let tables = tables.iter_mut().filter_map(Value::as_inline_table_mut);
            let table = tables.into_iter().find(|table| is_called(*table, name))?;
            Some(table)
        }
        Item::Value(_) | Item::Table(_) | Item::None => None,
    }
}

/// Adds a rule to a camera's `mail`; answers whether it was not there.
fn add_rule(camera: &mut dyn TableLike, key: &str, value: &str) -> Result<bool, String> {
    let is_it = |rule: &dyn TableLike| rule.len() == 1 && rule.get(key).and_then(Item::as_str) == Some(value);
    let mut rule = InlineTable::new();
    rule.insert(key, value.into());
    match camera.get_mut("mail") {
        None => set(camera, "mail", [Value::InlineTable(rule)].into_iter().collect()),
        Some(Item::Value(Value::Array(rules))) => {
            if rules.iter().filter_map(Value::as_inline_table).any(|rule| is_it(rule)) {
                return Ok(false);
            }
            push(rules, rule.into());
        }
        Some(Item::ArrayOfTables(rules)) => {
            if rules.iter().any(|rule| is_it(rule)) {
                return Ok(false);
            }
            rules.push(rule.into_table());
        }
        Some(Item::Value(_) | Item::Table(_) | Item::None) => return Err("its mail is no list".to_owned()),
    }
    Ok(true)
}

/// Adds an address to `smtp.allow`; answers whether it was not there.
fn add_network(document: &mut DocumentMut, address: &str) -> Result<bool, String> {
    if document.get("smtp").is_none() {
        let mut smtp = Table::new();
        smtp.decor_mut().set_prefix("\n");
        document.insert("smtp", Item::Table(smtp));
    }
    let smtp = document.get_mut("smtp").and_then(Item::as_table_like_mut).ok_or("its smtp is no table")?;
    // What holds as long as nothing stands there, and this address.
    add_word(smtp, "allow", ["private"], address)
}

/// Adds a word to a list, which begins with some if it is not there; answers whether the word was not there.
fn add_word<const N: usize>(
    table: &mut dyn TableLike,
    key: &str,
    usual: [&str; N],
    word: &str,
) -> Result<bool, String> {
    match table.get_mut(key) {
        None => set(table, key, usual.into_iter().chain([word]).collect()),
        Some(item) => {
            let words = item.as_array_mut().ok_or_else(|| format!("its {key} is no list"))?;
            if words.iter().any(|one| one.as_str() == Some(word)) {
                return Ok(false);
            }
            push(words, word.into());
        }
    }
    Ok(true)
}

/// Puts a list at the end of a table, as far in as the key above it.
fn set(table: &mut dyn TableLike, key: &str, list: Array) {
    let above = table.iter().filter(|(_, item)| item.is_value()).last().map(|(key, _)| key.to_owned());
    let above = above.and_then(|above| table.key(&above)?.leaf_decor().prefix()?.as_str().map(indent));
    table.insert(key, Item::Value(Value::Array(list)));
    if let (Some(above), Some(mut key)) = (above.filter(|indent| !indent.is_empty()), table.key_mut(key)) {
        key.leaf_decor_mut().set_prefix(above);
    }
}

/// Puts a value at the end of a list, on a line of its own if those before it are.
fn push(list: &mut Array, value: Value) {
    let last = list.iter().last().and_then(|last| last.decor().prefix()?.as_str()).filter(|it| it.contains('\n'));
    match last.map(|prefix| format!("\n{}", indent(prefix))) {
        None => list.push(value),
        Some(prefix) => list.push_formatted(value.decorated(prefix, "")),
    }
}

/// What stands between the last line's beginning and its first word.
fn indent(prefix: &str) -> String {
    let line = prefix.rsplit('\n').next().unwrap_or_default();
    line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::transcript::Field;
    use proptest::prelude::*;
    use rstest::rstest;

    fn rule(camera: &str, by: Field, value: &str) -> Fix {
        Fix::Mail { camera: Some(camera.parse().expect("a name")), by, value: value.to_owned() }
    }

    fn garden() -> Fix {
        rule("garden", Field::Peer, "cam2")
    }

    const TWO: &str = "\
# My cameras.
[archive]
dir = '/srv/clips' # big disk

[[camera]]   # the first
name = \"front-door\"
source = 'a.mp4'

# Behind the house.
[[camera]]
name = \"garden\"
source = 'b.mp4'         # for now
  # not this: alias = ['x']

[ring]
slots = 12
";

    #[test]
    fn a_rule_is_put_below_its_camera_and_nothing_else_changes() {
        let expected = TWO.replace("# for now\n", "# for now\nmail = [{ peer = \"cam2\" }]\n");
        assert_eq!(add(TWO, &garden()), Ok(Edited::New(expected.clone())));
        assert_eq!(add(&expected, &garden()), Ok(Edited::Already));
        let second = add(&expected, &rule("garden", Field::From, "cam@lan"));
        let both = expected.replace("\"cam2\" }]", "\"cam2\" }, { from = \"cam@lan\" }]");
        assert_eq!(second, Ok(Edited::New(both)));
    }

    #[rstest]
    #[case::one_a_line(
        "[[camera]]\nname = 'garden'\nmail = [\n    { to = 'a' }, # the old one\n    { to = 'b' },\n]\n",
        "[[camera]]\nname = 'garden'\nmail = [\n    { to = 'a' }, # the old one\n    { to = 'b' },\n    { peer = \"cam2\" },\n]\n"
    )]
    #[case::empty(
        "[[camera]]\nname = 'garden'\nmail = []\n",
        "[[camera]]\nname = 'garden'\nmail = [{ peer = \"cam2\" }]\n"
    )]
    #[case::tables(
        "[[camera]]\nname = 'garden'\n[[camera.mail]]\nto = 'a'\n",
        "[[camera]]\nname = 'garden'\n[[camera.mail]]\nto = 'a'\n\n[[camera.mail]]\npeer = \"cam2\"\n"
    )]
    #[case::with_a_table_of_its_own(
        "[[camera]]\nname = 'garden'\n[camera.trigger]\narmed = true\n",
        "[[camera]]\nname = 'garden'\nmail = [{ peer = \"cam2\" }]\n[camera.trigger]\narmed = true\n"
    )]
    #[case::indented(
        "[[camera]]\n  name = 'garden'\n  audio = 'aac'\n",
        "[[camera]]\n  name = 'garden'\n  audio = 'aac'\n  mail = [{ peer = \"cam2\" }]\n"
    )]
    #[case::inline(
        "camera = [{ name = 'garden' }]\n",
        "camera = [{ name = 'garden' , mail = [{ peer = \"cam2\" }] }]\n"
    )]
    #[case::windows(
        "[[camera]]\r\nname = 'garden'\r\n",
        "[[camera]]\r\nname = 'garden'\r\nmail = [{ peer = \"cam2\" }]\r\n"
    )]
    #[case::no_line_end("[[camera]]\nname = 'garden'", "[[camera]]\nname = 'garden'\nmail = [{ peer = \"cam2\" }]\n")]
    fn however_the_file_is_written(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(add(text, &garden()), Ok(Edited::New(expected.to_owned())));
    }

    #[rstest]
    #[case::none("", "alias = [\"cam2\"]\n")]
    #[case::some("alias = ['x']  # why\n", "alias = ['x', \"cam2\"]  # why\n")]
    #[case::the_same("alias = ['cam2']\n", "")]
    fn one_more_name(#[case] line: &str, #[case] expected: &str) {
        let block = "[[camera]]\nname = 'garden'\n";
        let fix = Fix::Alias { camera: Some("garden".parse().expect("a name")), word: "cam2".into() };
        let edited = if expected.is_empty() { Edited::Already } else { Edited::New(format!("{block}{expected}")) };
        assert_eq!(add(&format!("{block}{line}"), &fix), Ok(edited));
    }

    #[rstest]
    #[case::nothing("", "\n[smtp]\nallow = [\"private\", \"192.0.2.7\"]\n")]
    #[case::table(
        "[smtp]\nlisten = '[::]:6789' # both\n",
        "[smtp]\nlisten = '[::]:6789' # both\nallow = [\"private\", \"192.0.2.7\"]\n"
    )]
    #[case::list("[smtp]\nallow = ['10.0.0.0/8'] # us\n", "[smtp]\nallow = ['10.0.0.0/8', \"192.0.2.7\"] # us\n")]
    #[case::dotted(
        "smtp.listen = '[::]:6789'\n",
        "smtp.listen = '[::]:6789'\nsmtp.allow = [\"private\", \"192.0.2.7\"]\n"
    )]
    fn who_may_send(#[case] text: &str, #[case] expected: &str) {
        let fix = Fix::Allow([192, 0, 2, 7].into());
        assert_eq!(add(text, &fix), Ok(Edited::New(expected.to_owned())));
        assert_eq!(add(expected, &fix), Ok(Edited::Already));
    }

    #[rstest]
    #[case::broken("[[camera", "this is not TOML")]
    #[case::other_camera("[[camera]]\nname = 'attic'\n", "there is no block of garden in it")]
    #[case::no_camera("camera = 3\n", "there is no block of garden in it")]
    #[case::no_list("[[camera]]\nname = 'garden'\nmail = 'x'\n", "its mail is no list")]
    fn what_cannot_be_done_is_said(#[case] text: &str, #[case] why: &str) {
        assert_eq!(add(text, &garden()), Err(why.to_owned()));
    }

    /// A file with comments everywhere, in the ways that people write.
    fn file() -> impl Strategy<Value = String> {
        let comment = prop_oneof![Just(String::new()), "# [a-z \\[\\]=\"']{0,20}".prop_map(|it| it)];
        let mail = prop::sample::select(vec![
            "",
            "mail = []",
            "mail = [ { to = 'x' } ]",
            "mail = [\n\t{ to = 'x' }, # why\n\t{ from = \"y\", subject = 'z' }\n]",
        ]);
        let block = (comment.clone(), mail, comment.clone(), 0usize..3).prop_map(|(above, mail, behind, blank)| {
            format!("{above}\n[[camera]] {behind}\nname = 'NAME' {behind}\n{mail}\n{}", "\n".repeat(blank))
        });
        (prop::collection::vec(block, 1..5), comment, any::<bool>()).prop_map(|(blocks, end, smtp)| {
            let named = (0..).zip(blocks).map(|(n, block)| block.replace("NAME", &format!("cam{n}")));
            format!("{}{}{end}", if smtp { "[smtp]\nallow = ['private']\n" } else { "" }, named.collect::<String>())
        })
    }

    fn comments(text: &str) -> Vec<String> {
        text.lines().filter_map(|line| Some(line[line.find('#')?..].trim_end().to_owned())).collect()
    }

    proptest! {
        #[test]
        fn the_meaning_is_the_same_but_for_the_rule_and_no_comment_is_lost(
            text in file(), at in any::<prop::sample::Index>(), value in "[ -\"$-~äß移]{1,20}", allow in any::<bool>(),
        ) {
            let before: toml::Table = text.parse().expect("what was made here is TOML");
            let count = before["camera"].as_array().expect("cameras").len();
            let fix = match allow {
                true => Fix::Allow([192, 0, 2, 7].into()),
                false => rule(&format!("cam{}", at.index(count)), Field::From, &value),
            };
            let Ok(Edited::New(new)) = add(&text, &fix) else { panic!("{text}") };
            let mut after: toml::Table = new.parse().expect("TOML again");
            prop_assert_eq!(comments(&new), comments(&text));
            prop_assert_eq!(add(&new, &fix), Ok(Edited::Already));
            // Taking it out again leads back to what was meant before.
            match &fix {
                Fix::Allow(_) => {
                    let smtp = after["smtp"].as_table_mut().expect("a table");
                    let networks = smtp["allow"].as_array_mut().expect("a list");
                    prop_assert_eq!(networks.pop(), Some("192.0.2.7".into()));
                    if before.get("smtp").is_none() {
                        prop_assert_eq!(networks.as_slice(), &["private".into()]);
                        after.remove("smtp");
                    }
                }
                Fix::Alias { .. } => unreachable!("not made here"),
                Fix::Mail { .. } => {
                    let camera = &mut after["camera"][at.index(count)];
                    let mail = camera["mail"].as_array_mut().expect("a list");
                    let added = mail.pop().expect("the rule");
                    prop_assert_eq!(added["from"].as_str(), Some(value.as_str()));
                    if mail.is_empty() && before["camera"][at.index(count)].get("mail").is_none() {
                        camera.as_table_mut().expect("a table").remove("mail");
                    }
                }
            }
            prop_assert_eq!(after, before);
        }
    }
}
