//! Columns of text as one run of bytes and where each text ends.

use arrow::array::StringArray;
use arrow::buffer::NullBuffer;

/// Texts one after the other, without NULL.
///
/// Holds at most 4 GiB: [`crate::Sales`] is closed far below.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    text: String,
    /// Where each text ends in `text`.
    ends: Vec<u32>,
}

impl Texts {
    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all texts together.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The text at `index`; empty when there is none.
    pub fn get(&self, index: usize) -> &str {
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Every text in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Adds a text at the end.
    #[inline]
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        // `Sales` is closed long before the texts come near 4 GiB.
        self.ends.push(self.text.len() as u32);
    }

    /// Forgets the texts and keeps the room.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }
}

/// Texts one after the other, NULLs among them. An empty text is no NULL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptionalTexts {
    texts: Texts,
    there: Vec<bool>,
}

impl OptionalTexts {
    /// So many NULLs.
    pub(crate) fn nulls(count: usize) -> Self {
        OptionalTexts { texts: Texts { text: String::new(), ends: vec![0; count] }, there: vec![false; count] }
    }

    /// Number of texts and NULLs.
    pub fn len(&self) -> usize {
        self.there.len()
    }

    /// Is there neither text nor NULL?
    pub fn is_empty(&self) -> bool {
        self.there.is_empty()
    }

    /// The text at `index`; `None` for NULL.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.there.get(index).is_some_and(|there| *there).then(|| self.texts.get(index))
    }

    /// Every text in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Bytes of all texts together.
    pub fn bytes(&self) -> usize {
        self.texts.bytes()
    }

    /// Adds a text or NULL at the end.
    pub(crate) fn push(&mut self, text: Option<&str>) {
        self.texts.push(text.unwrap_or_default());
        self.there.push(text.is_some());
    }

    /// As an Arrow column.
    pub(crate) fn to_array(&self) -> StringArray {
        let values = StringArray::from_iter_values(self.texts.iter());
        let (offsets, values, _) = values.into_parts();
        StringArray::new(offsets, values, Some(NullBuffer::from(self.there.as_slice())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Array;

    #[test]
    fn texts_come_back_as_they_went_in() {
        let mut texts = Texts::default();
        for text in ["tea", "", "é"] {
            texts.push(text);
        }
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["tea", "", "é"]);
        assert_eq!((texts.len(), texts.bytes(), texts.get(3)), (3, 5, ""));
        texts.clear();
        assert!(texts.is_empty() && texts.bytes() == 0);
    }

    #[test]
    fn nothing_is_not_the_empty_text() {
        let mut texts = OptionalTexts::nulls(1);
        texts.push(Some(""));
        texts.push(None);
        texts.push(Some("x"));
        assert_eq!(texts.iter().collect::<Vec<_>>(), [None, Some(""), None, Some("x")]);
        let array = texts.to_array();
        assert_eq!(array.iter().collect::<Vec<_>>(), texts.iter().collect::<Vec<_>>());
        assert_eq!(array.null_count(), 2);
    }
}
