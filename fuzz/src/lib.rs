//! What several fuzz targets demand of a parser's words and of the addresses that it lets pass.
//!
//! Written apart from the code under test, and in another way, so that the two do not share a mistake.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Panics unless `line` can stand in a message: not longer than `longest` characters, and without any that move a
/// cursor, begin a line or turn the direction of writing.
pub fn fits_a_line(line: &str, longest: usize) {
    assert!(line.chars().count() <= longest, "{} characters: {line:?}", line.chars().count());
    let odd = line.chars().find(|character| {
        character.is_control()
            || matches!(*character as u32, 0x61c | 0x200e | 0x200f | 0x2028..=0x202e | 0x2066..=0x2069)
    });
    assert!(odd.is_none(), "{odd:?} in {line:?}");
}

/// Whether no server may point us to this address, as long as the registry itself is an ordinary one.
pub fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_forbidden_v4(address),
        IpAddr::V6(address) => is_forbidden_v6(address),
    }
}

fn is_forbidden_v4(address: Ipv4Addr) -> bool {
    let metadata = ["169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16"];
    let [first, second, ..] = address.octets();
    matches!((first, second), (0 | 127 | 224..=239, _) | (169, 254))
        || address == Ipv4Addr::BROADCAST
        || metadata.contains(&address.to_string().as_str())
}

fn is_forbidden_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    let low = Ipv4Addr::from_bits(bits as u32);
    // Networks that carry an IPv4 address in their last four bytes.
    let carriers: [(u128, u32); 4] =
        [(0xffff << 32, 96), (0xffff << 48, 96), (0x64_ff9b << 96, 96), (0x64_ff9b_0001 << 80, 48)];
    let within = |network: u128, length: u32| (bits ^ network).leading_zeros() >= length;
    bits <= 1
        || within(0xfe80 << 112, 10)
        || within(0xfec0 << 112, 10)
        || within(0xff << 120, 8)
        || ["fd00:ec2::254", "fd20:ce::254"].contains(&address.to_string().as_str())
        || within(0, 96) && is_forbidden_v4(low)
        || carriers.iter().any(|(network, length)| within(*network, *length)) && is_forbidden_v4(low)
        || within(0x2002 << 112, 16) && is_forbidden_v4(Ipv4Addr::from_bits((bits >> 80) as u32))
        || within(0x2001_0000 << 96, 32) && is_forbidden_v4(Ipv4Addr::from_bits(!(bits as u32)))
}
