//! The smallest programs there are: static ELF files that print a text and leave.
//!
//! They make the fixture image a real one: it runs, on each of its platforms, and holds nothing from elsewhere.

/// A processor that the fixture image runs on, by its name in an image config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// x86-64.
    Amd64,
    /// The 64-bit ARM.
    Arm64,
}

const BASE: u64 = 0x40_0000;
const HEADERS: u64 = 64 + 56;

impl Machine {
    /// The name in an image config and in a platform.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The number in an ELF header.
    fn number(self) -> u16 {
        match self {
            Self::Amd64 => 62,
            Self::Arm64 => 183,
        }
    }

    /// write(1, text, length); exit(0). The text follows the code.
    fn code(self, length: u32) -> Vec<u8> {
        match self {
            Self::Amd64 => amd64(length),
            Self::Arm64 => arm64(length),
        }
    }
}

/// A static Linux program that prints `text`.
pub fn program(machine: Machine, text: &str) -> Vec<u8> {
    let code = machine.code(u32::try_from(text.len()).unwrap_or(u32::MAX));
    let size = HEADERS + (code.len() + text.len()) as u64;
    let mut file = vec![0x7F, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    halves(&mut file, &[2, machine.number()]);
    words(&mut file, &[1]);
    longs(&mut file, &[BASE + HEADERS, 64, 0]);
    words(&mut file, &[0]);
    halves(&mut file, &[64, 56, 1, 64, 0, 0]);
    // One segment, readable and executable, that is the whole file.
    words(&mut file, &[1, 5]);
    longs(&mut file, &[0, BASE, BASE, size, size, 0x1000]);
    file.extend(code);
    file.extend(text.bytes());
    file
}

fn amd64(length: u32) -> Vec<u8> {
    let mut code = vec![0xB8, 1, 0, 0, 0]; // mov eax, 1 (write)
    code.extend([0xBF, 1, 0, 0, 0]); // mov edi, 1 (standard output)
    code.extend([0x48, 0x8D, 0x35, 16, 0, 0, 0]); // lea rsi, [rip + 16]: what is left of the code
    code.push(0xBA); // mov edx, length
    code.extend(length.to_le_bytes());
    code.extend([0x0F, 0x05]); // syscall
    code.extend([0xB8, 60, 0, 0, 0]); // mov eax, 60 (exit)
    code.extend([0x31, 0xFF]); // xor edi, edi
    code.extend([0x0F, 0x05]); // syscall
    code
}

fn arm64(length: u32) -> Vec<u8> {
    let text = 8 * 4 - 4; // from the second instruction to the end of the code
    let mut code = Vec::new();
    words(
        &mut code,
        &[
            0xD280_0020,                            // mov x0, #1 (standard output)
            0x1000_0001 | ((text >> 2) << 5),       // adr x1, text
            0xD280_0002 | ((length & 0xFFFF) << 5), // mov x2, #length
            0xD280_0808,                            // mov x8, #64 (write)
            0xD400_0001,                            // svc #0
            0xD280_0000,                            // mov x0, #0
            0xD280_0BA8,                            // mov x8, #93 (exit)
            0xD400_0001,                            // svc #0
        ],
    );
    code
}

fn halves(file: &mut Vec<u8>, values: &[u16]) {
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn words(file: &mut Vec<u8>, values: &[u32]) {
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn longs(file: &mut Vec<u8>, values: &[u64]) {
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}
