import Platform

/// Values as JSON has them.
extension [UInt8] {
    /// Appends a text in quotes.
    package mutating func appendJSON(text: some Sequence<UInt8>) {
        append(UInt8(ascii: "\""))
        for byte in text {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                append(UInt8(ascii: "\\"))
                append(byte)
            case 0..<0x20: append(contentsOf: ("\\u00" + (byte < 16 ? "0" : "") + String(byte, radix: 16)).utf8)
            default: append(byte)
            }
        }
        append(UInt8(ascii: "\""))
    }

    /// Appends `unscaled` x 10^-`scale` with all its decimal places.
    package mutating func appendDecimal(unscaled: Int128, scale: Int) {
        append(contentsOf: DecimalText.of(units: unscaled, scale: scale).utf8)
    }
}
