//! Addresses: the classes that a server may not point us to from outside.
//!
//! Private networks (RFC 1918, RFC 4193) are ordinary here: that is where registries live.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What kind of host a name or an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Ordinary,
    Loopback,
    Unspecified,
    LinkLocal,
    SiteLocal,
    Multicast,
    Metadata,
}

impl Class {
    /// The class of a URL's host: of the address it is, or of a name that always means this machine or its keeper.
    pub(crate) fn of_host(host: &str) -> Self {
        let host = host.trim_end_matches('.');
        let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse() {
            return Self::of(address);
        }
        let is = |name: &str| host.eq_ignore_ascii_case(name);
        let ends = host.len().checked_sub(LOCAL_SUFFIX.len()).and_then(|at| host.get(at..));
        if is("localhost") || ends.is_some_and(|end| end.eq_ignore_ascii_case(LOCAL_SUFFIX)) {
            Self::Loopback
        } else if is("metadata.google.internal") {
            Self::Metadata
        } else {
            Self::Ordinary
        }
    }

    /// The class of an address; one that carries an IPv4 address is judged by that.
    pub(crate) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        if METADATA_V4.contains(&address) {
            Self::Metadata
        } else if address.is_loopback() {
            Self::Loopback
        } else if address.octets()[0] == 0 {
            // RFC 1122: all of 0/8 is "this host"; Linux connects 0.0.0.0 to the loopback.
            Self::Unspecified
        } else if address.is_link_local() {
            Self::LinkLocal
        } else if address.is_multicast() || address.is_broadcast() {
            Self::Multicast
        } else {
            Self::Ordinary
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        if METADATA_V6.contains(&address) {
            Self::Metadata
        } else if address.is_loopback() {
            Self::Loopback
        } else if address.is_unspecified() {
            Self::Unspecified
        } else if address.is_unicast_link_local() {
            Self::LinkLocal
        } else if address.segments()[0] & 0xffc0 == 0xfec0 {
            // Deprecated (RFC 3879), and what hosts still do with it differs.
            Self::SiteLocal
        } else if address.is_multicast() {
            Self::Multicast
        } else {
            carried(address).map_or(Self::Ordinary, Self::of_v4)
        }
    }

    /// The class as it stands in messages; `None` for an ordinary host.
    pub(crate) fn forbidden(self) -> Option<&'static str> {
        match self {
            Self::Ordinary => None,
            Self::Loopback => Some("loopback"),
            Self::Unspecified => Some("unspecified"),
            Self::LinkLocal => Some("link-local"),
            Self::SiteLocal => Some("site-local"),
            Self::Multicast => Some("multicast"),
            Self::Metadata => Some("cloud metadata"),
        }
    }
}

/// The IPv4 address that an IPv6 address stands for.
fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low));
    // Teredo: the client's address, every bit turned (RFC 4380, 4).
    if let [0x2001, 0, .., high, low] = address.segments() {
        return Some(v4(!high, !low));
    }
    // IPv4-mapped and -compatible (RFC 4291, 2.5.5), IPv4-translated (RFC 2765); NAT64 with the well-known prefix
    // (RFC 6052) and with the local one (RFC 8215); 6to4 (RFC 3056).
    let ([0, 0, 0, 0, 0, 0xffff | 0, high, low]
    | [0, 0, 0, 0, 0xffff, 0, high, low]
    | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
    | [0x64, 0xff9b, 1, .., high, low]
    | [0x2002, high, low, ..]) = address.segments()
    else {
        return None;
    };
    Some(v4(high, low))
}

const LOCAL_SUFFIX: &str = ".localhost";
/// AWS, Azure, Google and most others; Alibaba; Oracle; Azure's wire server.
const METADATA_V4: [Ipv4Addr; 4] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(192, 0, 0, 192),
    Ipv4Addr::new(168, 63, 129, 16),
];
/// AWS: `fd00:ec2::254`; Google: `fd20:ce::254`.
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_forbidden_address_is_known() {
        for (host, class) in [
            ("127.0.0.1", Class::Loopback),
            ("127.255.0.1", Class::Loopback),
            ("[::1]", Class::Loopback),
            ("LOCALHOST", Class::Loopback),
            ("localhost.", Class::Loopback),
            ("registry.localhost", Class::Loopback),
            ("[::ffff:127.0.0.1]", Class::Loopback),
            ("[::127.0.0.1]", Class::Loopback),
            ("[64:ff9b::127.0.0.1]", Class::Loopback),
            ("[2002:7f00:1::]", Class::Loopback),
            ("0.0.0.0", Class::Unspecified),
            ("0.1.2.3", Class::Unspecified),
            ("[::]", Class::Unspecified),
            ("[::ffff:0.0.0.0]", Class::Unspecified),
            ("169.254.1.1", Class::LinkLocal),
            ("[fe80::1]", Class::LinkLocal),
            ("169.254.169.254", Class::Metadata),
            ("[64:ff9b::a9fe:a9fe]", Class::Metadata),
            ("[64:ff9b:1::a9fe:a9fe]", Class::Metadata),
            ("100.100.100.200", Class::Metadata),
            ("168.63.129.16", Class::Metadata),
            ("192.0.0.192", Class::Metadata),
            ("[::ffff:168.63.129.16]", Class::Metadata),
            ("[fd00:ec2::254]", Class::Metadata),
            ("[fd20:ce::254]", Class::Metadata),
            ("[fec0::1]", Class::SiteLocal),
            ("[feff:ffff::1]", Class::SiteLocal),
            ("[2001:0:cb00:7101:0:ffff:80ff:fffe]", Class::Loopback),
            ("[2001:0:cb00:7101:0:ffff:5601:5601]", Class::Metadata),
            ("metadata.google.internal.", Class::Metadata),
            ("224.0.0.1", Class::Multicast),
            ("255.255.255.255", Class::Multicast),
            ("[ff02::1]", Class::Multicast),
        ] {
            assert_eq!(Class::of_host(host), class, "{host}");
            assert!(class.forbidden().is_some());
        }
    }

    #[test]
    fn private_networks_and_names_are_ordinary() {
        for host in [
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "[fd12::1]",
            "example.com",
            "mylocalhost",
            "[2001:db8::1]",
            "[2001:0:cb00:7101:0:ffff:f5ff:fffe]",
            "168.63.129.17",
        ] {
            assert_eq!(Class::of_host(host), Class::Ordinary, "{host}");
        }
    }
}
