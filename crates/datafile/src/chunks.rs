//! Values that grow in many places at once: kept in pieces of one size, which are never moved and fit where others were freed.
//! Vectors that double would hold twice what they need, and leave gaps behind that nothing fits into.

/// Bytes of a piece.
const PIECE_BYTES: usize = 4 << 10;

/// A growing sequence.
#[derive(Debug)]
pub struct Chunks<T> {
    pieces: Vec<Vec<T>>,
}

impl<T: Copy> Default for Chunks<T> {
    fn default() -> Self {
        Chunks { pieces: Vec::new() }
    }
}

impl<T: Copy> Chunks<T> {
    /// Values of a full piece.
    const PIECE: usize = PIECE_BYTES / size_of::<T>();

    /// Appends values.
    #[inline]
    pub fn extend(&mut self, mut values: impl Iterator<Item = T>) {
        loop {
            if self.pieces.last().is_none_or(|last| last.len() == Self::PIECE) {
                let Some(first) = values.next() else { return };
                let mut piece = Vec::with_capacity(Self::PIECE);
                piece.push(first);
                self.pieces.push(piece);
            }
            let Some(last) = self.pieces.last_mut() else { return };
            let room = Self::PIECE - last.len();
            let before = last.len();
            last.extend(values.by_ref().take(room));
            if last.len() - before < room {
                return;
            }
        }
    }

    /// Appends a slice.
    pub fn extend_from_slice(&mut self, mut values: &[T]) {
        while !values.is_empty() {
            if self.pieces.last().is_none_or(|last| last.len() == Self::PIECE) {
                self.pieces.push(Vec::with_capacity(Self::PIECE));
            }
            let Some(last) = self.pieces.last_mut() else { return };
            let (now, later) = values.split_at(values.len().min(Self::PIECE - last.len()));
            last.extend_from_slice(now);
            values = later;
        }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.pieces.last().map_or(0, |last| (self.pieces.len() - 1) * Self::PIECE + last.len())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// All values in order.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        self.pieces.iter().flat_map(|piece| piece.iter().copied())
    }

    /// All values in order, some at a time.
    pub fn pieces(&self) -> impl Iterator<Item = &[T]> {
        self.pieces.iter().map(Vec::as_slice)
    }

    /// Moves all values to the end of `out`.
    pub fn drain_into(&mut self, out: &mut Vec<T>) {
        out.reserve(self.len());
        for piece in self.pieces.drain(..) {
            out.extend_from_slice(&piece);
        }
    }

    /// Bytes held.
    pub fn memory(&self) -> usize {
        self.pieces.len() * PIECE_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_in_order_however_they_were_added() {
        let mut chunks: Chunks<u16> = Chunks::default();
        let mut expected: Vec<u16> = Vec::new();
        for step in [0, 1, 2_047, 2_048, 2_049, 1, 6_000, 0] {
            let values: Vec<u16> = (0..step).map(|at: usize| (at * 7 + step) as u16).collect();
            if step % 2 == 0 {
                chunks.extend(values.iter().copied())
            } else {
                chunks.extend_from_slice(&values)
            }
            expected.extend(values);
            assert_eq!(chunks.len(), expected.len());
        }
        assert_eq!(chunks.iter().collect::<Vec<_>>(), expected);
        assert_eq!(chunks.pieces().flatten().copied().collect::<Vec<_>>(), expected);
        let mut out = Vec::new();
        chunks.drain_into(&mut out);
        assert!(out == expected && chunks.is_empty());
    }
}
