//! A way to a server that loses answers, for tests of what a client does then.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What happens to the next request that holds certain bytes.
#[derive(Debug, Clone)]
struct Plan {
    bytes: Vec<u8>,
    reaches_server: bool,
}

#[derive(Debug, Default)]
struct Shared {
    plan: Mutex<Option<Plan>>,
    cut: AtomicU32,
    closed: AtomicBool,
}

/// Passes connections on to a server, until it is told to cut one.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Starts to listen on a free loopback port and to pass on to a port of this machine.
    ///
    /// # Errors
    /// A sentence when there is no port.
    pub fn to(port: u16) -> Result<Proxy, String> {
        let failed = |error: std::io::Error| format!("no proxy: {error}");
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
        let own = listener.local_addr().map_err(failed)?.port();
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let target = SocketAddr::from(([127, 0, 0, 1], port));
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if theirs.closed.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&theirs);
                std::thread::spawn(move || pass(client, target, &shared));
            }
        });
        Ok(Proxy { port: own, shared })
    }

    /// Where clients connect, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next request with these bytes reaches the server and is carried out; its answer is lost with the connection.
    pub fn lose_the_answer_to(&self, bytes: &[u8]) {
        *lock(&self.shared.plan) = Some(Plan { bytes: bytes.to_vec(), reaches_server: true });
    }

    /// The next request with these bytes is lost with the connection, and never reaches the server.
    pub fn lose_the_request(&self, bytes: &[u8]) {
        *lock(&self.shared.plan) = Some(Plan { bytes: bytes.to_vec(), reaches_server: false });
    }

    /// How many connections were cut.
    pub fn cut(&self) -> u32 {
        self.shared.cut.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        // Wakes the listener, so that it sees that it is closed.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn pass(client: TcpStream, target: SocketAddr, shared: &Arc<Shared>) {
    let Ok(server) = TcpStream::connect(target) else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (Ok(answers_from), Ok(answers_to)) = (server.try_clone(), client.try_clone()) else { return };
    let mute = Arc::new(AtomicBool::new(false));
    let (muted, told) = (Arc::clone(&mute), Arc::clone(shared));
    let answers = std::thread::spawn(move || pass_answers(answers_from, answers_to, &muted, &told));
    pass_requests(client, server, &mute, shared);
    let _ = answers.join();
}

fn pass_requests(mut client: TcpStream, mut server: TcpStream, mute: &AtomicBool, shared: &Shared) {
    let mut buffer = vec![0; 65_536];
    while let Ok(length) = client.read(&mut buffer) {
        if length == 0 {
            break;
        }
        let request = &buffer[..length];
        let mut plan = lock(&shared.plan);
        let meant = plan.take_if(|plan| request.windows(plan.bytes.len()).any(|part| part == plan.bytes));
        drop(plan);
        match meant {
            Some(plan) if !plan.reaches_server => {
                shared.cut.fetch_add(1, Ordering::Relaxed);
                let _ = client.shutdown(Shutdown::Both);
                break;
            }
            Some(_) => mute.store(true, Ordering::SeqCst),
            None => {}
        }
        if server.write_all(request).is_err() {
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Write);
}

fn pass_answers(mut server: TcpStream, mut client: TcpStream, mute: &AtomicBool, shared: &Shared) {
    let mut buffer = vec![0; 65_536];
    while let Ok(length) = server.read(&mut buffer) {
        if length == 0 {
            break;
        }
        if mute.load(Ordering::SeqCst) {
            // The server has answered, so it has done what it was asked.
            shared.cut.fetch_add(1, Ordering::Relaxed);
            break;
        }
        if client.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
