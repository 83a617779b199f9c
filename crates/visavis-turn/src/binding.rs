//! Binding without credentials: "which address do you see me under?"

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::message::{
    BINDING, Class, MAGIC_COOKIE, Message, TransactionId, Writer, XOR_MAPPED_ADDRESS,
};

/// Address families of XOR-MAPPED-ADDRESS (RFC 8489 section 14.1).
const IPV4: u8 = 1;
const IPV6: u8 = 2;

/// A Binding request, as we send it to a STUN server to learn our own address.
#[must_use]
pub fn binding_request(transaction: TransactionId) -> Vec<u8> {
    Writer::new(Class::Request, BINDING, transaction).finish()
}

/// The answer to a Binding request without credentials; `None` when `request`
/// is something else.
///
/// It has 40 octets for IPv4 and 52 for IPv6, against at least 20 that were
/// received: whoever forges the source gains little, and with the answer budget
/// of the socket's owner, nothing.
#[must_use]
pub fn binding_response(request: &Message<'_>, source: SocketAddr) -> Option<Vec<u8>> {
    if !request.is_binding() || request.class() != Class::Request || request.has_username() {
        return None;
    }
    let transaction = request.transaction();
    let mut writer = Writer::new(Class::Success, BINDING, transaction);
    let mut value = [0; 20];
    let port = source.port() ^ (MAGIC_COOKIE >> 16) as u16;
    value[2..4].copy_from_slice(&port.to_be_bytes());
    let len = match source.ip().to_canonical() {
        IpAddr::V4(ip) => {
            value[1] = IPV4;
            value[4..8].copy_from_slice(&(u32::from(ip) ^ MAGIC_COOKIE).to_be_bytes());
            8
        }
        IpAddr::V6(ip) => {
            value[1] = IPV6;
            value[4..].copy_from_slice(&(u128::from(ip) ^ mask(transaction)).to_be_bytes());
            20
        }
    };
    writer.attribute(XOR_MAPPED_ADDRESS, &value[..len]);
    Some(writer.finish())
}

/// The address in the answer to our request; `None` when it answers something
/// else.
#[must_use]
pub fn mapped_address(response: &Message<'_>, transaction: TransactionId) -> Option<SocketAddr> {
    let ours = response.is_binding()
        && response.class() == Class::Success
        && response.transaction() == transaction;
    let value = response.attribute(XOR_MAPPED_ADDRESS).filter(|_| ours)?;
    let port = u16::from_be_bytes([*value.get(2)?, *value.get(3)?]) ^ (MAGIC_COOKIE >> 16) as u16;
    let address = value.get(4..)?;
    let ip: IpAddr = match *value.get(1)? {
        IPV4 => Ipv4Addr::from(u32::from_be_bytes(address.try_into().ok()?) ^ MAGIC_COOKIE).into(),
        IPV6 => {
            let bits = u128::from_be_bytes(address.try_into().ok()?) ^ mask(transaction);
            Ipv6Addr::from(bits).into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// What an IPv6 address is combined with: the cookie and the transaction.
fn mask(transaction: TransactionId) -> u128 {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    mask[4..].copy_from_slice(&transaction.0);
    u128::from_be_bytes(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSACTION: TransactionId = TransactionId([7; 12]);

    #[test]
    fn whoever_asks_learns_its_address() {
        let request = binding_request(TRANSACTION);
        let request = Message::parse(&request).unwrap();
        for (source, seen, len) in [
            ("192.0.2.1:32853", "192.0.2.1:32853", 40),
            ("[2001:db8::7]:9", "[2001:db8::7]:9", 52),
            ("[::ffff:192.0.2.1]:5", "192.0.2.1:5", 40),
        ] {
            let response = binding_response(&request, source.parse().unwrap()).unwrap();
            assert_eq!(response.len(), len);
            let response = Message::parse(&response).unwrap();
            assert_eq!(
                mapped_address(&response, TRANSACTION),
                Some(seen.parse().unwrap())
            );
            assert_eq!(mapped_address(&response, TransactionId([8; 12])), None);
            assert!(binding_response(&response, source.parse().unwrap()).is_none());
        }
    }

    #[test]
    fn checks_with_credentials_are_left_to_ice() {
        let mut writer = Writer::new(Class::Request, BINDING, TRANSACTION);
        writer.attribute(0x0006, b"server:client");
        let check = writer.finish();
        let check = Message::parse(&check).unwrap();
        assert!(binding_response(&check, "192.0.2.1:1".parse().unwrap()).is_none());
        assert_eq!(check.username_fragments(), Some(("server", "client")));
    }

    #[test]
    fn mutated_messages_never_panic() {
        let mut seed = 0x2545_f491_4f6c_dd1du64;
        let mut random = move || {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed as usize
        };
        let request = binding_request(TRANSACTION);
        let source = "[2001:db8::7]:9".parse().unwrap();
        let response = binding_response(&Message::parse(&request).unwrap(), source).unwrap();
        for _ in 0..20_000 {
            let mut bytes = response.clone();
            for _ in 0..random() % 4 {
                let at = random() % bytes.len();
                bytes[at] = random() as u8;
            }
            bytes.truncate(random() % (bytes.len() + 20));
            crate::fuzz::fuzz_stun(&bytes);
        }
    }
}
