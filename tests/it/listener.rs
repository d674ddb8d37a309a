//! An HTTP server that writes down what it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A call that a listener heard.
#[derive(Clone)]
pub struct Heard {
    pub path: String,
    pub head: String,
    pub body: Vec<u8>,
}

impl Heard {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The server. It lives until the test's process ends.
pub struct Listener {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Listener {
    /// Answers the first `refused` calls with 503.
    pub fn start(refused: usize) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let heard: Arc<Mutex<Vec<_>>> = Arc::default();
        let kept = heard.clone();
        std::thread::spawn(move || {
            for (number, stream) in socket.incoming().enumerate() {
                let mut stream = BufReader::new(stream.unwrap());
                let (mut head, mut length) = (String::new(), 0);
                loop {
                    let mut line = String::new();
                    stream.read_line(&mut line).unwrap();
                    if let Some(number) = line.to_lowercase().strip_prefix("content-length:") {
                        length = number.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                    head += &line;
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).unwrap();
                let status = if number < refused { "503 Busy" } else { "200 OK" };
                let answer =
                    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
                let path = head.split_whitespace().nth(1).unwrap_or_default().to_owned();
                kept.lock().unwrap().push(Heard { path, head, body });
            }
        });
        Self { address, heard }
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits until what was heard is as wished.
    pub fn until(&self, what: &str, holds: impl Fn(&[Heard]) -> bool) {
        let end = Instant::now() + Duration::from_secs(60);
        while !holds(&self.heard()) {
            assert!(Instant::now() < end, "not heard within 60 s: {what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
