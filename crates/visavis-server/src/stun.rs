//! Asking a STUN server which address the internet sees (RFC 8489 section 14.2).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::time::{Duration, Instant};

use aws_lc_rs::rand;
use thiserror::Error;
use visavis_turn::{Message, TransactionId, binding_request, mapped_address};

/// How long each answer is waited for. All servers together hold up a start by
/// at most twice [`ATTEMPTS`] of these.
const PATIENCE: Duration = Duration::from_millis(700);
/// How often a server is asked: three losses in a row are an outage.
const ATTEMPTS: usize = 3;
/// Most servers asked, and most addresses of one.
const MAX_SERVERS: usize = 4;
/// An answer has 40 octets, and some software tells its name.
const LONGEST_ANSWER: usize = 1500;

/// Nobody told the address.
#[derive(Debug, Error)]
#[error("no STUN server answered ({0})")]
pub struct StunFailed(String);

/// One address for each family that gets an answer.
pub(crate) fn external_addresses(servers: &[String]) -> Result<Vec<IpAddr>, StunFailed> {
    let mut why = "no server has an address".to_owned();
    let mut found: Vec<IpAddr> = Vec::new();
    for server in servers.iter().take(MAX_SERVERS) {
        let named = server.strip_prefix("stun:").unwrap_or(server);
        let addresses = match named.to_socket_addrs() {
            Ok(addresses) => addresses.take(MAX_SERVERS),
            Err(error) => {
                why = format!("{server}: {error}");
                continue;
            }
        };
        for address in addresses {
            if found.iter().any(|ip| ip.is_ipv4() == address.is_ipv4()) {
                continue;
            }
            match ask(address) {
                Ok(ip) => found.push(ip),
                Err(error) => why = format!("{server}: {error}"),
            }
        }
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Err(StunFailed(why))
}

/// Which address `server` sees.
fn ask(server: SocketAddr) -> io::Result<IpAddr> {
    let local: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((local, 0))?;
    socket.connect(server)?;
    let mut transaction = [0; 12];
    rand::fill(&mut transaction).map_err(|_| io::Error::other("no randomness"))?;
    let transaction = TransactionId(transaction);
    let request = binding_request(transaction);
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    for _ in 0..ATTEMPTS {
        socket.send(&request)?;
        match answer(&socket, transaction) {
            Ok(ip) => return Ok(ip),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn answer(socket: &UdpSocket, transaction: TransactionId) -> io::Result<IpAddr> {
    let deadline = Instant::now() + PATIENCE;
    let mut bytes = [0; LONGEST_ANSWER];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        socket.set_read_timeout(Some(left))?;
        let len = match socket.recv(&mut bytes) {
            Ok(len) => len,
            // How the system calls a time that ran out.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        };
        let mapped = Message::parse(&bytes[..len]).ok();
        let mapped = mapped.and_then(|message| mapped_address(&message, transaction));
        if let Some(address) = mapped {
            return Ok(address.ip());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use visavis_turn::binding_response;

    use super::*;

    /// Answers as if it saw `seen`, after passing over one request and telling
    /// one lie.
    fn server(seen: SocketAddr) -> (SocketAddr, thread::JoinHandle<()>) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let running = thread::spawn(move || {
            let mut bytes = [0; 200];
            socket.recv_from(&mut bytes).unwrap();
            let (len, from) = socket.recv_from(&mut bytes).unwrap();
            let other = binding_request(TransactionId([1; 12]));
            let lie = binding_response(&Message::parse(&other).unwrap(), from).unwrap();
            socket.send_to(&lie, from).unwrap();
            let request = Message::parse(&bytes[..len]).unwrap();
            socket
                .send_to(&binding_response(&request, seen).unwrap(), from)
                .unwrap();
        });
        (address, running)
    }

    #[test]
    fn a_lost_question_is_asked_again_and_a_foreign_answer_not_believed() {
        let seen = "198.51.100.7:4000".parse().unwrap();
        let (address, running) = server(seen);
        let servers = ["nowhere.invalid:1".to_owned(), format!("stun:{address}")];
        assert_eq!(external_addresses(&servers).unwrap(), [seen.ip()]);
        running.join().unwrap();
    }

    #[test]
    fn silence_is_an_error_that_names_the_server() {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = silent.local_addr().unwrap().to_string();
        let error = external_addresses(std::slice::from_ref(&address)).unwrap_err();
        assert!(error.to_string().contains(&address), "{error}");
    }
}
