//! Whether a `clsact` qdisc holds filters, asked over rtnetlink (`include/uapi/linux/rtnetlink.h`): libbpf only
//! asks for a filter whose handle is known.

use std::io;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

const RTM_NEWTFILTER: u16 = 44;
const RTM_GETTFILTER: u16 = 46;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST_DUMP: u16 = 0x301;
const CLSACT_INGRESS: u32 = 0xffff_fff2;
const CLSACT_EGRESS: u32 = 0xffff_fff3;
/// `struct nlmsghdr`, `struct tcmsg`.
const HEADER_BYTES: usize = 16;
const TCMSG_BYTES: usize = 20;

/// Whether neither direction of the interface's `clsact` has a filter.
pub(super) fn is_empty(ifindex: i32) -> io::Result<bool> {
    Ok(!has_filters(ifindex, CLSACT_INGRESS)? && !has_filters(ifindex, CLSACT_EGRESS)?)
}

fn has_filters(ifindex: i32, parent: u32) -> io::Result<bool> {
    let socket =
        rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    rustix::net::send(&socket, &request(ifindex, parent), SendFlags::empty())?;
    let mut buffer = vec![0; 32 << 10];
    loop {
        let (received, _) = rustix::net::recv(&socket, &mut *buffer, RecvFlags::empty())?;
        match read(&buffer[..received])? {
            Answer::More => {}
            Answer::Filter => return Ok(true),
            Answer::Done => return Ok(false),
        }
    }
}

/// A dump of the filters below `parent`.
fn request(ifindex: i32, parent: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + TCMSG_BYTES);
    bytes.extend(((HEADER_BYTES + TCMSG_BYTES) as u32).to_ne_bytes());
    bytes.extend(RTM_GETTFILTER.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST_DUMP.to_ne_bytes());
    bytes.extend([0; 8]); // sequence, port
    bytes.extend([0; 4]); // family, padding
    bytes.extend(ifindex.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes()); // handle: any
    bytes.extend(parent.to_ne_bytes());
    bytes.extend(0_u32.to_ne_bytes()); // priority and protocol: any
    bytes
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    More,
    Filter,
    Done,
}

/// Reads the messages of one datagram.
fn read(mut bytes: &[u8]) -> io::Result<Answer> {
    while let Some((header, _)) = bytes.split_first_chunk::<HEADER_BYTES>() {
        let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
        match u16::from_ne_bytes([header[4], header[5]]) {
            RTM_NEWTFILTER => return Ok(Answer::Filter),
            NLMSG_DONE => return Ok(Answer::Done),
            NLMSG_ERROR => {
                let code = bytes[HEADER_BYTES..].first_chunk().map_or(0, |code| i32::from_ne_bytes(*code));
                // No qdisc there any more: nothing of anybody's.
                return if code == 0 { Ok(Answer::Done) } else { Err(io::Error::from_raw_os_error(-code)) };
            }
            _ => {}
        }
        if length < HEADER_BYTES {
            break;
        }
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(Answer::More)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = ((HEADER_BYTES + body.len()) as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    #[test]
    fn any_answer_is_read_without_panic() {
        assert_eq!(read(&[]).unwrap(), Answer::More);
        assert_eq!(read(&[1, 2, 3]).unwrap(), Answer::More);
        assert_eq!(read(&[0; HEADER_BYTES]).unwrap(), Answer::More);
        assert_eq!(read(&message(99, &[0; 7])).unwrap(), Answer::More);
        assert_eq!(read(&[message(99, &[0; 7]), message(NLMSG_DONE, &[])].concat()).unwrap(), Answer::Done);
        assert_eq!(read(&message(RTM_NEWTFILTER, &[0; 20])).unwrap(), Answer::Filter);
        assert_eq!(
            read(&message(NLMSG_ERROR, &(-22_i32).to_ne_bytes())).unwrap_err().raw_os_error(),
            Some(22)
        );
    }
}
