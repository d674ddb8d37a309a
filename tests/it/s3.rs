//! A night whose logs, store and registry lie on S3 (moto, installed by scripts/peers.sh).

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{Ran, Sandbox};

const DAY: &str = "2026-11-03";

/// A running S3 server, ended when dropped.
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    pub fn start() -> Option<Self> {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/moto");
        if !tools.join("version").is_file() {
            eprintln!("skipped: no moto in .tools; scripts/peers.sh installs it");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new("python3");
        command.args(["-m", "moto.server", "-p", &port.to_string()]).env("PYTHONPATH", &tools);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { child, port };
        for _ in 0..300 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(server);
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("moto does not answer on port {port}");
    }

    pub fn put(&self, path: &str, body: &[u8]) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!(
            "PUT {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_night_on_s3_has_the_digests_of_one_on_disk() {
    let Some(server) = Server::start() else { return };
    let local = Sandbox::with_day("local", DAY, 60, 3);
    let expected = local.night(DAY);
    server.put("/fqm-test", b"");
    for entry in std::fs::read_dir(local.path("logs").join(DAY)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        server.put(&format!("/fqm-test/logs/{DAY}/{name}"), &std::fs::read(&path).unwrap());
    }
    let remote = Sandbox::new("remote");
    let run = |arguments: &[&str]| {
        let mut command = remote.command(arguments);
        command
            .env("FQM_LOGS", "s3://fqm-test/logs")
            .env("FQM_STORE", "s3://fqm-test/store")
            .env("FQM_REGISTRY", "s3://fqm-test/registry")
            .env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", server.port))
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1");
        Ran::of(command.output().unwrap())
    };
    let night = run(&["run", "nightly", "--date", DAY, "--json"]).expect(0).json();
    assert_eq!(night["digests"], expected["digests"]);
    let again = run(&["run", "nightly", "--date", DAY, "--json"]).expect(0).json();
    assert!(again["steps"].as_object().unwrap().values().all(|s| s == "hit"), "{again:#}");
    run(&["registry", "verify"]).expect(0);
    assert!(!remote.path(".fqm/store").exists(), "nothing of it lies on the disk");
}
