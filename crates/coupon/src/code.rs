//! Codes: typed by hand, made with a secret, and told from mistyped and forged ones without asking anybody.
//!
//! A code has twelve symbols of Crockford's base 32, written `XXXX-XXXX-XXXX`:
//!
//! - eight (40 bits) say which coupon it is: a keyed hash of customer, rule, period and a counter;
//! - three (15 bits) are a keyed hash of those eight: whoever has no secret guesses them once in 32,768 times;
//! - one is a check of the other eleven, for whoever types.
//!
//! The check is a polynomial over the field of 32 elements whose weights are different powers of a primitive element. Any one
//! wrong symbol and any two that changed places, neighbours or not, change it: a difference of weights is not zero, and a field
//! has no divisors of zero.

use std::fmt;
use tillmart_model::Secret;
use zeroize::Zeroizing;

/// Crockford's symbols: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Symbols of a code.
pub const SYMBOLS: usize = 12;
/// Symbols that say which coupon it is.
const IDENTITY: usize = 8;
/// Symbols of a group, as codes are written.
const GROUP: usize = 4;
/// Least bytes of a secret: a shorter one could be found out from one coupon by trying.
pub const SECRET_BYTES_MIN: usize = 16;

/// A code as it may be typed: its check is right. Whether a coupon has it is another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code([u8; SYMBOLS]);

/// Why a text is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mistyped {
    /// A symbol that no code has, at this place among the symbols, from 1.
    Symbol(char, usize),
    /// So many symbols instead of [`SYMBOLS`].
    Length(usize),
    /// The symbols do not go together.
    Check,
}

impl fmt::Display for Mistyped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mistyped::Symbol(letter, place) => {
                write!(f, "{:?} as symbol {place}, which no code has", letter.to_string())
            }
            Mistyped::Length(1) => f.write_str("1 symbol"),
            Mistyped::Length(symbols) => write!(f, "{symbols} symbols"),
            Mistyped::Check => f.write_str("symbols that do not go together: one is wrong, or two are swapped"),
        }
    }
}

/// Multiplies by the primitive element of the field of 32 elements, x⁵ = x² + 1.
const fn times_alpha(element: u8) -> u8 {
    let shifted = element << 1;
    if shifted & 32 == 0 { shifted } else { shifted ^ 0b10_0101 }
}

/// The sum of symbols, each times the power of the primitive element that its place from the right says.
fn sum(symbols: &[u8]) -> u8 {
    symbols.iter().fold(0, |sum, symbol| times_alpha(sum) ^ symbol)
}

impl Code {
    fn with_check(mut symbols: [u8; SYMBOLS]) -> Code {
        symbols[SYMBOLS - 1] = times_alpha(sum(&symbols[..SYMBOLS - 1]));
        Code(symbols)
    }

    /// Reads what somebody typed: capitals or not, `O` for `0`, `I` and `L` for `1`, hyphens and blanks anywhere.
    ///
    /// # Errors
    /// What was mistyped. Any one wrong symbol and any two swapped ones are found; other mistakes 31 times out of 32.
    pub fn read(text: &str) -> Result<Code, Mistyped> {
        let mut symbols = [0; SYMBOLS];
        let mut count = 0;
        for letter in text.chars().filter(|letter| !letter.is_whitespace() && !matches!(letter, '-' | '‐'..='―')) {
            let symbol = symbol(letter).ok_or(Mistyped::Symbol(letter, count + 1))?;
            if let Some(place) = symbols.get_mut(count) {
                *place = symbol;
            }
            count += 1;
        }
        if count != SYMBOLS {
            return Err(Mistyped::Length(count));
        }
        if sum(&symbols) == 0 { Ok(Code(symbols)) } else { Err(Mistyped::Check) }
    }

    /// Its symbols without hyphens, as databases keep them.
    pub fn symbols(&self) -> String {
        self.0.iter().map(|symbol| char::from(ALPHABET[usize::from(*symbol)])).collect()
    }

    fn identity(&self) -> &[u8] {
        &self.0[..IDENTITY]
    }
}

fn symbol(letter: char) -> Option<u8> {
    let capital = match letter.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.iter().position(|known| char::from(*known) == capital).and_then(|at| u8::try_from(at).ok())
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, symbol) in self.symbols().chars().enumerate() {
            if at > 0 && at % GROUP == 0 {
                f.write_str("-")?;
            }
            write!(f, "{symbol}")?;
        }
        Ok(())
    }
}

/// The secret that new codes are made with, and those of before, whose codes are still about.
#[derive(Debug, Clone)]
pub struct Secrets {
    current: Keys,
    former: Vec<Keys>,
}

#[derive(Clone)]
struct Keys {
    code: Zeroizing<[u8; 32]>,
    mark: Zeroizing<[u8; 32]>,
    name: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Keys {
    fn of(secret: &Secret) -> Option<Keys> {
        let secret = secret.reveal().as_bytes();
        let derived = |context: &str| blake3::derive_key(context, secret);
        (secret.len() >= SECRET_BYTES_MIN).then(|| Keys {
            code: Zeroizing::new(derived("tillmart 2026-11 coupon code")),
            mark: Zeroizing::new(derived("tillmart 2026-11 coupon mark")),
            name: blake3::Hash::from(derived("tillmart 2026-11 coupon secret name")).to_hex()[..8].to_owned(),
        })
    }

    fn mark(&self, identity: &[u8]) -> [u8; 3] {
        let hash = blake3::keyed_hash(&self.mark, identity);
        let mut mark = [0; 3];
        fill(&mut mark, hash.as_bytes());
        mark
    }
}

/// Cuts bytes into groups of five bits.
fn fill(symbols: &mut [u8], bytes: &[u8; 32]) {
    for (at, symbol) in symbols.iter_mut().enumerate() {
        let (byte, bit) = (at * 5 / 8, at * 5 % 8);
        let two = u16::from(bytes[byte]) << 8 | u16::from(bytes[byte + 1]);
        *symbol = (two >> (11 - bit)) as u8 & 31;
    }
}

impl Secrets {
    /// Takes the secrets in.
    ///
    /// # Errors
    /// Which secret is shorter than [`SECRET_BYTES_MIN`]: 0 is the current one, then the former ones.
    pub fn new(current: &Secret, former: &[Secret]) -> Result<Secrets, usize> {
        let keys = |secret: &Secret, at: usize| Keys::of(secret).ok_or(at);
        let former = former.iter().enumerate().map(|(at, secret)| keys(secret, at + 1));
        Ok(Secrets { current: keys(current, 0)?, former: former.collect::<Result<_, _>>()? })
    }

    /// The code of a customer's coupon by the current secret. A counter above 0 is for when another coupon has the code of the
    /// counter before.
    pub fn code(&self, customer_id: i64, rule: &str, period: &str, counter: u32) -> Code {
        let mut hasher = blake3::Hasher::new_keyed(&self.current.code);
        hasher.update(&customer_id.to_le_bytes()).update(&counter.to_le_bytes());
        // With its length before it, so that no other pair of texts reads the same.
        for text in [rule, period] {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        let mut symbols = [0; SYMBOLS];
        fill(&mut symbols[..IDENTITY], hasher.finalize().as_bytes());
        let mark = self.current.mark(&symbols[..IDENTITY]);
        symbols[IDENTITY..SYMBOLS - 1].copy_from_slice(&mark);
        Code::with_check(symbols)
    }

    /// Whether a code was made with one of the secrets.
    pub fn made(&self, code: &Code) -> bool {
        let is_of = |keys: &Keys| keys.mark(code.identity()) == code.0[IDENTITY..SYMBOLS - 1];
        is_of(&self.current) || self.former.iter().any(is_of)
    }

    /// The name of the current secret: tells secrets apart and says nothing of them.
    pub fn name(&self) -> &str {
        &self.current.name
    }

    /// Whether one of the secrets has this name.
    pub fn know(&self, name: &str) -> bool {
        std::iter::once(&self.current).chain(&self.former).any(|keys| keys.name == name)
    }
}

#[cfg(test)]
#[path = "code_tests.rs"]
mod tests;
