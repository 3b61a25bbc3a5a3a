//! Keys that the client library cannot name. It would fail a whole listing for one of them, so they are taken out of the answer
//! before it sees them, and told.

use crate::Hidden;
use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpResponseBody, HttpService, ReqwestConnector,
};
use object_store::path::Path;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Odd keys that listings have met: key and reason.
#[derive(Debug, Clone, Default)]
pub(crate) struct OddKeys {
    met: Arc<Mutex<BTreeMap<String, &'static str>>>,
}

impl OddKeys {
    /// Forgets those below a prefix: a new listing is about to meet them, if they are still there.
    pub(crate) fn forget(&self, prefix: &str) {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| !key.starts_with(prefix));
    }

    /// Those below a prefix.
    pub(crate) fn below(&self, prefix: &str) -> Vec<Hidden> {
        let met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        let below = met.iter().filter_map(|(key, because)| Some((key.strip_prefix(prefix)?, *because)));
        below.map(|(key, because)| Hidden { path: key.escape_debug().to_string(), because }).collect()
    }

    fn meet(&self, key: String, because: &'static str) {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).insert(key, because);
    }

    /// One page of a listing without the objects that cannot be named.
    fn sieve(&self, page: &str) -> String {
        const START: &str = "<Contents>";
        const END: &str = "</Contents>";
        let mut kept = String::with_capacity(page.len());
        let mut rest = page;
        while let Some((before, from)) = rest.split_once(START)
            && let Some((object, after)) = from.split_once(END)
        {
            kept.push_str(before);
            match oddness(object) {
                Some(odd) => odd.into_iter().for_each(|(key, because)| self.meet(key, because)),
                None => kept.extend([START, object, END]),
            }
            rest = after;
        }
        kept.push_str(rest);
        kept
    }
}

/// `None` for an object like any other; else what to tell of it: nothing of the mark that consoles leave for a folder.
fn oddness(object: &str) -> Option<Option<(String, &'static str)>> {
    let field = |name: &str| {
        let from = object.split_once(&format!("<{name}>"))?.1;
        Some(from.split_once(&format!("</{name}>"))?.0)
    };
    let raw = field("Key")?;
    let Ok(key) = quick_xml::escape::unescape(raw) else {
        return Some(Some((raw.to_owned(), "its name holds a character that XML cannot carry")));
    };
    if key.ends_with('/') && field("Size") == Some("0") {
        return Some(None);
    }
    let because = match Path::parse(key.as_ref()) {
        Ok(path) if path.as_ref() == key => return None,
        Ok(_) => "its name begins or ends with a slash",
        Err(_) if key.chars().any(|letter| letter.is_ascii_control()) => {
            "its name holds a line end or another control character"
        }
        Err(_) => "its name has an empty part, or one that is . or ..",
    };
    Some(Some((key.into_owned(), because)))
}

/// Connects as usual, with the sieve between.
#[derive(Debug)]
pub(crate) struct SievedConnector {
    odd: OddKeys,
    plain: ReqwestConnector,
}

impl SievedConnector {
    pub(crate) fn new(odd: OddKeys) -> SievedConnector {
        SievedConnector { odd, plain: ReqwestConnector::default() }
    }
}

impl HttpConnector for SievedConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Sieved { odd: self.odd.clone(), plain: self.plain.connect(options)? }))
    }
}

#[derive(Debug)]
struct Sieved {
    odd: OddKeys,
    plain: HttpClient,
}

#[async_trait]
impl HttpService for Sieved {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_listing = request.uri().query().is_some_and(|query| query.contains("list-type=2"));
        let answer = self.plain.execute(request).await?;
        if !is_listing || !answer.status().is_success() {
            return Ok(answer);
        }
        let (parts, body) = answer.into_parts();
        let page = body.bytes().await?;
        let body = match std::str::from_utf8(&page) {
            Ok(text) => HttpResponseBody::from(self.odd.sieve(text)),
            Err(_) => HttpResponseBody::from(page),
        };
        Ok(HttpResponse::from_parts(parts, body))
    }
}

#[cfg(test)]
mod tests {
    use super::OddKeys;

    fn page(keys: &[(&str, u32)]) -> String {
        let object = |(key, size): &(&str, u32)| format!("<Contents><Key>{key}</Key><Size>{size}</Size></Contents>");
        format!("<R><Name>b</Name>{}<IsTruncated>false</IsTruncated></R>", keys.iter().map(object).collect::<String>())
    }

    #[test]
    fn what_cannot_be_named_is_told_and_the_rest_stays() {
        let odd = OddKeys::default();
        let good = [("in/a b.csv", 1), ("in/a&amp;b.csv", 2), ("in/x/", 3)];
        let bad = [("in/a//b.csv", 1), ("in/../b.csv", 1), ("in/a&#10;b.csv", 1), ("/in/c.csv", 1), ("in/dir/", 0)];
        let mixed: Vec<(&str, u32)> = good[..2].iter().chain(&bad).chain(&good[2..]).copied().collect();
        assert_eq!(odd.sieve(&page(&mixed)), page(&good[..2]));
        let told: Vec<String> = odd.below("in/").into_iter().map(|hidden| hidden.path).collect();
        assert_eq!(told, ["../b.csv", "a\\nb.csv", "a//b.csv", "x/"]);
        odd.forget("in/");
        assert!(odd.below("in/").is_empty() && odd.below("/in/").len() == 1);
    }

    #[test]
    fn a_page_that_is_cut_or_empty_passes_as_it_is() {
        let odd = OddKeys::default();
        for text in ["", "<R></R>", "<R><Contents><Key>a//b</Key>", "<Contents></Contents>"] {
            assert_eq!(odd.sieve(text), text);
        }
    }
}
