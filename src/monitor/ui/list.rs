//! A place in a list that grows at its beginning. The place is a line and not a number of lines, so that it stays where
//! it is while newer ones come in above it; and so does the page that it stands on.

/// How the cursor moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// So many lines down.
    Down(usize),
    /// So many lines up.
    Up(usize),
    /// To the beginning.
    First,
    /// To the end.
    Last,
}

impl Motion {
    /// From one of `count` places to another one.
    pub fn from(self, at: usize, count: usize) -> usize {
        let end = count.saturating_sub(1);
        match self {
            Motion::Down(lines) => at.saturating_add(lines).min(end),
            Motion::Up(lines) => at.saturating_sub(lines).min(end),
            Motion::First => 0,
            Motion::Last => end,
        }
    }
}

/// A line of a list whose keys fall from the first line to the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor<K> {
    /// `None`: always the first line, whichever that is.
    at: Option<K>,
    /// The first line of the page that was shown last.
    top: Option<K>,
}

impl<K> Default for Cursor<K> {
    fn default() -> Self {
        Self { at: None, top: None }
    }
}

impl<K> Cursor<K> {
    /// The line it stays at; `None`: it stays with the newest line.
    pub fn at(&self) -> Option<&K> {
        self.at.as_ref()
    }

    /// Whether it stays with the newest line.
    pub fn follows(&self) -> bool {
        self.at.is_none()
    }

    /// Stays with the newest line.
    pub fn follow(&mut self) {
        self.at = None;
    }

    /// Stays with this line.
    pub fn stay(&mut self, key: K) {
        self.at = Some(key);
    }

    /// The page that is shown begins with this line.
    pub fn shown_from(&mut self, key: Option<K>) {
        self.top = key;
    }

    /// Where it is among `count` lines: at its line, or where that was. `newer` tells whether a line, by its place, is
    /// newer than a key.
    pub fn place(&self, count: usize, newer: impl Fn(usize, &K) -> bool) -> usize {
        find(self.at.as_ref(), count, newer)
    }

    /// Where the page begins that was shown last, in the same way.
    pub fn top(&self, count: usize, newer: impl Fn(usize, &K) -> bool) -> usize {
        find(self.top.as_ref(), count, newer)
    }
}

fn find<K>(key: Option<&K>, count: usize, newer: impl Fn(usize, &K) -> bool) -> usize {
    let Some(key) = key else { return 0 };
    let (mut from, mut to) = (0, count);
    while from < to {
        let middle = usize::midpoint(from, to);
        if newer(middle, key) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    from.min(count.saturating_sub(1))
}

/// Where the page of `height` lines begins that shows the cursor, if the one before began at `top`.
///
/// The list turns like a book: one that scrolls by a line is drawn anew from top to bottom at every key, and that costs
/// more on a slow line than it is worth. The last page is full, if the list is long enough.
pub fn turn(top: usize, cursor: usize, height: usize, count: usize) -> usize {
    let height = height.max(1);
    let top = match top.checked_sub(cursor) {
        Some(above) => top.saturating_sub(above.div_ceil(height).saturating_mul(height)),
        None => top + (cursor - top) / height * height,
    };
    top.min(count.saturating_sub(height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(cursor: &Cursor<u32>, lines: &[u32]) -> usize {
        cursor.place(lines.len(), |n, key| lines[n] > *key)
    }

    #[test]
    fn the_cursor_stays_at_its_line_while_others_come_and_go() {
        let mut cursor = Cursor::default();
        assert_eq!(place(&cursor, &[9, 8, 7]), 0);
        cursor.stay(8);
        assert_eq!(place(&cursor, &[9, 8, 7]), 1);
        assert_eq!(place(&cursor, &[11, 10, 9, 8, 7]), 3);
        assert_eq!(place(&cursor, &[11, 10, 9, 7]), 3, "what it was at is gone: the next older one");
        assert_eq!(place(&cursor, &[11, 10]), 1);
        assert_eq!(place(&cursor, &[]), 0);
        cursor.follow();
        assert_eq!(place(&cursor, &[12, 11]), 0);
    }

    #[test]
    fn motions_end_at_the_edges() {
        assert_eq!(Motion::Down(5).from(2, 4), 3);
        assert_eq!(Motion::Up(5).from(2, 4), 0);
        assert_eq!(Motion::Last.from(0, 0), 0);
        assert_eq!(Motion::Down(1).from(7, 0), 0);
    }

    #[test]
    fn pages_turn_where_the_cursor_leaves_them() {
        let (height, count) = (10, 100);
        assert_eq!(turn(0, 9, height, count), 0);
        assert_eq!(turn(0, 10, height, count), 10);
        assert_eq!(turn(3, 13, height, count), 13, "a page begins anywhere");
        assert_eq!(turn(13, 12, height, count), 3);
        assert_eq!(turn(3, 2, height, count), 0);
        assert_eq!(turn(0, 99, height, count), 90);
        assert_eq!(turn(5, 99, height, count), 90, "the last page is full");
        assert_eq!(turn(0, 2, height, 3), 0);
        assert_eq!(turn(7, 0, 0, 0), 0);
    }

    proptest! {
        #[test]
        fn the_cursor_is_always_on_the_page(top in 0usize..300, at in any::<prop::sample::Index>(), height in 0usize..80, count in 1usize..300) {
            let cursor = at.index(count);
            let first = turn(top.min(count), cursor, height, count);
            prop_assert!(first <= cursor && cursor < first + height.max(1));
            prop_assert_eq!(turn(first, cursor, height, count), first, "and it rests");
        }
    }
}
