//! Every path of one source file, and what it means.

use std::collections::{BTreeMap, BTreeSet};
use syn::buffer::{Cursor, TokenBuffer};
use syn::visit::{self, Visit};

/// `model::id` as its parts.
pub type Names = Vec<String>;

/// All paths of a file, and whatever in it hides paths, as a sentence with its remedy.
pub fn find(
    file: &syn::File,
    module: Names,
    modules: &BTreeSet<Names>,
    libraries: &BTreeSet<String>,
) -> (BTreeSet<Use>, Vec<String>) {
    let mut finder = Finder {
        module,
        modules,
        libraries,
        aliases: BTreeMap::new(),
        collecting: true,
        found: BTreeSet::new(),
        odd: Vec::new(),
    };
    finder.visit_file(file);
    (finder.collecting, finder.odd) = (false, Vec::new());
    finder.visit_file(file);
    (finder.found, finder.odd)
}

/// One path of a file, resolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// Something of this crate.
    Ours(Names),
    /// Something of a library.
    Library(Names),
}

/// Finds every path of one file.
struct Finder<'a> {
    /// The module that is being read; inline modules add to it.
    module: Names,
    /// All modules of the crate.
    modules: &'a BTreeSet<Names>,
    libraries: &'a BTreeSet<String>,
    /// What `use` lines call things.
    aliases: BTreeMap<String, Use>,
    /// Whether this reading collects `aliases` or `found`.
    collecting: bool,
    found: BTreeSet<Use>,
    /// Things that hide paths from this test.
    odd: Vec<String>,
}

impl Finder<'_> {
    /// What a path means; `None` for locals, generics and the prelude.
    fn resolve(&self, path: &[String], absolute: bool) -> Option<Use> {
        let first = path.first()?;
        let ours = |base: &[String], skip: usize| Some(Use::Ours([base, &path[skip..]].concat()));
        let library = || Some(Use::Library(path.to_vec()));
        let is_library = matches!(first.as_str(), "std" | "core" | "alloc") || self.libraries.contains(first);
        if absolute {
            return library();
        }
        match first.as_str() {
            "crate" | "nvr" => return ours(&[], 1),
            "self" | "super" => {
                let steps = path.iter().take_while(|name| ["self", "super"].contains(&name.as_str())).count();
                let ups = path[..steps].iter().filter(|name| *name == "super").count();
                return ours(&self.module[..self.module.len().saturating_sub(ups)], steps);
            }
            _ => {}
        }
        if self.modules.contains(&[&self.module[..], std::slice::from_ref(first)].concat()) {
            return ours(&self.module, 0);
        }
        match self.aliases.get(first) {
            Some(Use::Ours(base)) => ours(base, 1),
            Some(Use::Library(base)) => Some(Use::Library([base, &path[1..]].concat())),
            None if is_library => library(),
            None => None,
        }
    }

    fn note(&mut self, path: &[String], absolute: bool) {
        if !self.collecting {
            self.found.extend(self.resolve(path, absolute));
        }
    }

    fn flatten(&mut self, tree: &syn::UseTree, before: &Names, absolute: bool) {
        let with = |name: &syn::Ident| [before.as_slice(), &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.flatten(&path.tree, &with(&path.ident), absolute),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.flatten(item, before, absolute)),
            syn::UseTree::Glob(_) => self.note(&[before.as_slice(), &["*".into()]].concat(), absolute),
            syn::UseTree::Name(name) if name.ident == "self" => {
                self.bring_in(before.last().cloned().unwrap_or_default(), before, absolute);
            }
            syn::UseTree::Name(name) => self.bring_in(name.ident.to_string(), &with(&name.ident), absolute),
            syn::UseTree::Rename(name) if name.ident == "self" => {
                self.bring_in(name.rename.to_string(), before, absolute)
            }
            syn::UseTree::Rename(name) => self.bring_in(name.rename.to_string(), &with(&name.ident), absolute),
        }
    }

    fn bring_in(&mut self, alias: String, path: &[String], absolute: bool) {
        self.note(path, absolute);
        if self.collecting
            && let Some(meaning) = self.resolve(path, absolute)
        {
            self.aliases.insert(alias, meaning);
        }
    }

    /// Every `a::b::c` of a macro's words.
    fn scan(&mut self, mut at: Cursor) {
        let mut path = Names::new();
        let (mut colons, mut absolute) = (0, false);
        while !at.eof() {
            if let Some((ident, next)) = at.ident() {
                if colons != 2 || path.is_empty() {
                    self.note_long(&path, absolute);
                    absolute = colons == 2;
                    path.clear();
                }
                path.push(ident.to_string());
                (colons, at) = (0, next);
            } else if let Some((punct, next)) = at.punct() {
                colons = if punct.as_char() == ':' { colons + 1 } else { 0 };
                if colons == 0 {
                    self.note_long(&path, absolute);
                    path.clear();
                }
                at = next;
            } else if let Some((inside, _, _, next)) = at.any_group() {
                self.note_long(&path, absolute);
                path.clear();
                self.scan(inside);
                (colons, at) = (0, next);
            } else if let Some((_, next)) = at.token_tree() {
                self.note_long(&path, absolute);
                path.clear();
                (colons, at) = (0, next);
            }
        }
        self.note_long(&path, absolute);
    }

    /// A single word in a macro may be anything; two with `::` between are a path.
    fn note_long(&mut self, path: &[String], absolute: bool) {
        if path.len() > 1 {
            self.note(path, absolute);
        }
    }
}

/// Whether this is compiled for tests only: tests may use whatever shows what the world does.
pub fn only_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|word| word == "test")
    })
}

fn attributes_of(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(it) => &it.attrs,
        syn::Item::Enum(it) => &it.attrs,
        syn::Item::Fn(it) => &it.attrs,
        syn::Item::Impl(it) => &it.attrs,
        syn::Item::Macro(it) => &it.attrs,
        syn::Item::Mod(it) => &it.attrs,
        syn::Item::Static(it) => &it.attrs,
        syn::Item::Struct(it) => &it.attrs,
        syn::Item::Trait(it) => &it.attrs,
        syn::Item::Type(it) => &it.attrs,
        syn::Item::Use(it) => &it.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !only_for_tests(attributes_of(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if module.attrs.iter().any(|attribute| attribute.path().is_ident("path")) {
            self.odd.push(format!("#[path] on mod {} (let the file lie where its name says)", module.ident));
        }
        self.module.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.flatten(&item.tree, &Names::new(), item.leading_colon.is_some());
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.odd.push(format!("extern crate {} (write a use line)", item.ident));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&words, path.leading_colon.is_some());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        if mac.path.segments.last().is_some_and(|segment| segment.ident == "include") {
            self.odd.push("include! (make it a module)".into());
        }
        self.visit_path(&mac.path);
        self.scan(TokenBuffer::new2(mac.tokens.clone()).begin());
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        self.visit_path(&list.path);
        self.scan(TokenBuffer::new2(list.tokens.clone()).begin());
    }
}
