//! What systemd wants to hear of a service of `Type=notify`: a datagram to the socket that it names.

use std::os::unix::net::UnixDatagram;

/// Tells systemd a line such as `READY=1`. Without systemd nobody listens, and nothing happens.
pub(super) fn tell(line: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let Ok(socket) = UnixDatagram::unbound() else { return };
    let path = path.to_string_lossy();
    // A name that begins with `@` lies in no folder.
    let _ = match path.strip_prefix('@') {
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            std::os::unix::net::SocketAddr::from_abstract_name(name)
                .and_then(|address| socket.send_to_addr(line.as_bytes(), &address))
        }
        None => socket.send_to(line.as_bytes(), &*path),
    };
}
