//! Real servers for tests: each a private instance on free loopback ports in a temporary folder, stopped by its process id.
//!
//! A server that cannot start is a failed test with a sentence that says what to install; nothing is skipped.

mod mariadb;
mod process;
mod proxy;
mod radosgw;
mod tls;

pub use mariadb::{MariaDb, MariaDbOptions};
pub use process::{Running, free_port, program, waited};
pub use proxy::Proxy;
pub use radosgw::{GUEST, Keys, MART, RadosGw};
pub use tls::Certificates;
