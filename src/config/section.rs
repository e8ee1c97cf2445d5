//! One table of the file: values are taken out of it by key, and what is left at the end is unknown.

use std::cell::RefCell;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

/// What is wrong with a file and what may not be meant so, each with its place.
pub(super) struct Notes<'i> {
    name: &'i Path,
    text: &'i str,
    mistakes: RefCell<Vec<(usize, String)>>,
    warnings: RefCell<Vec<(usize, String)>>,
}

impl<'i> Notes<'i> {
    pub(super) fn new(name: &'i Path, text: &'i str) -> Self {
        Self { name, text, mistakes: RefCell::default(), warnings: RefCell::default() }
    }

    /// Something is wrong at this byte of the file.
    pub(super) fn mistake(&self, at: usize, sentence: String) {
        self.mistakes.borrow_mut().push((at, sentence));
    }

    /// Something may not be meant so.
    pub(super) fn warning(&self, at: usize, sentence: String) {
        self.warnings.borrow_mut().push((at, sentence));
    }

    pub(super) fn has_mistakes(&self) -> bool {
        !self.mistakes.borrow().is_empty()
    }

    /// Mistakes and warnings as people read them, in the order of the file.
    pub(super) fn into_sentences(self) -> (Vec<String>, Vec<String>) {
        let (name, text) = (self.name.display(), self.text.as_bytes());
        let written = |notes: RefCell<Vec<(usize, String)>>| {
            let mut notes = notes.into_inner();
            notes.sort_by_key(|note| note.0);
            let line = |at: usize| 1 + text.iter().take(at).filter(|&&byte| byte == b'\n').count();
            notes.iter().map(|(at, sentence)| format!("{name}:{}: {sentence}", line(*at))).collect()
        };
        (written(self.mistakes), written(self.warnings))
    }
}

/// A value that stood in the file.
pub(super) struct Given<T> {
    pub(super) value: T,
    /// The byte of the file where its key stands.
    pub(super) at: usize,
}

/// One table.
pub(super) struct Section<'i, 'n> {
    /// What stands before its keys in sentences: nothing, or `ring.`
    prefix: String,
    /// The byte of the file where it begins.
    pub(super) at: usize,
    entries: Vec<(Spanned<DeString<'i>>, Spanned<DeValue<'i>>)>,
    known: Vec<&'static str>,
    pub(super) notes: &'n Notes<'i>,
}

impl<'i, 'n> Section<'i, 'n> {
    pub(super) fn new(prefix: String, at: usize, table: DeTable<'i>, notes: &'n Notes<'i>) -> Self {
        Self { prefix, at, entries: table.into_iter().collect(), known: Vec::new(), notes }
    }

    fn entry(&mut self, key: &'static str) -> Option<(usize, DeValue<'i>)> {
        self.known.push(key);
        let place = self.entries.iter().position(|(name, _)| name.get_ref() == key)?;
        let (name, value) = self.entries.swap_remove(place);
        Some((name.span().start, value.into_inner()))
    }

    /// Where `key` stands, if it does.
    pub(super) fn place(&self, key: &str) -> Option<usize> {
        self.entries.iter().find(|(name, _)| name.get_ref() == key).map(|(name, _)| name.span().start)
    }

    /// The value of `key` as `read` understands it; `None` if it is not there, or wrong and noted.
    pub(super) fn take<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&DeValue<'i>) -> Result<T, String>,
    ) -> Option<Given<T>> {
        let (at, value) = self.entry(key)?;
        match read(&value) {
            Ok(value) => Some(Given { value, at }),
            Err(sentence) => {
                self.notes.mistake(at, format!("{}{key}: {sentence}", self.prefix));
                None
            }
        }
    }

    /// The value of `key`, or `default`.
    pub(super) fn get<T>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&DeValue<'i>) -> Result<T, String>,
    ) -> T {
        self.take(key, read).map_or(default, |given| given.value)
    }

    /// The table `key`; an empty one if it is not there.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'i, 'n> {
        let prefix = format!("{}{key}.", self.prefix);
        let (at, table) = match self.entry(key) {
            Some((at, DeValue::Table(table))) => (at, table),
            Some((at, _)) => {
                self.notes
                    .mistake(at, format!("{}{key} is not a table (write [{key}] and its keys below)", self.prefix));
                (at, DeTable::default())
            }
            None => (self.at, DeTable::default()),
        };
        Section::new(prefix, at, table, self.notes)
    }

    /// All the tables `[[key]]`.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Section<'i, 'n>> {
        let remedies = [format!("write [[{key}]] with two brackets on each side"), format!("write [[{key}]]")];
        self.tables(key, remedies)
    }

    /// All the tables of `key = [{ … }, { … }]`; `example` is one of them.
    pub(super) fn inline_tables(&mut self, key: &'static str, example: &str) -> Vec<Section<'i, 'n>> {
        let remedy = format!("write {key} = [{example}]");
        self.tables(key, [remedy.clone(), remedy])
    }

    fn tables(&mut self, key: &'static str, [to_be_a_list, to_hold_tables]: [String; 2]) -> Vec<Section<'i, 'n>> {
        let (at, list) = match self.entry(key) {
            Some((at, DeValue::Array(list))) => (at, list),
            Some((at, _)) => {
                self.mistake(at, key, &format!("is a list ({to_be_a_list})"));
                (at, DeArray::default())
            }
            None => (0, DeArray::default()),
        };
        let mut sections = Vec::new();
        for item in list {
            let at = item.span().start.max(at);
            match item.into_inner() {
                DeValue::Table(table) => {
                    sections.push(Section::new(format!("{}{key}.", self.prefix), at, table, self.notes));
                }
                _ => self.mistake(at, key, &format!("holds something else than tables ({to_hold_tables})")),
            }
        }
        sections
    }

    /// Something is wrong with `key`; the sentence goes on after its name.
    pub(super) fn mistake(&self, at: usize, key: &str, what: &str) {
        self.notes.mistake(at, format!("{}{key} {what}", self.prefix));
    }

    /// What sentences call it.
    pub(super) fn name(&self) -> &str {
        self.prefix.trim_end_matches('.')
    }

    /// Nothing stands in it.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Notes every key that nobody asked for, with the nearest one that somebody did.
    pub(super) fn finish(self) {
        for (name, _) in &self.entries {
            let (prefix, key) = (&self.prefix, name.get_ref());
            let plain = !key.is_empty()
                && key.len() <= 40
                && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
            let shown = if plain { format!("{prefix}{key}") } else { format!("{prefix}…") };
            let nearest = self.known.iter().map(|known| (strsim::jaro_winkler(known, key), known));
            let remedy = match nearest.max_by(|a, b| a.0.total_cmp(&b.0)) {
                Some((likeness, known)) if likeness > 0.75 => format!("did you mean {prefix}{known}?"),
                _ => format!("known here: {}", self.known.join(", ")),
            };
            self.notes.mistake(name.span().start, format!("{shown} is not a key ({remedy})"));
        }
    }
}
