/// Stands in for values that are not to be seen: the same one for the same value, so that records can be told apart, and
/// none that leads back to it.
///
/// A keyed hash: SipHash, which `Hasher` is, keyed by chance with every start of a process and once more here, so that
/// neither another process nor another pseudonym of this one gives the same. 32 of its bits are shown.
struct Pseudonyms: Sendable {
    private let key = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))

    /// A value as JSON; null stays null.
    func text(for value: some Collection<UInt8>) -> [UInt8] {
        if value.elementsEqual("null".utf8) { return Array(value) }
        var hasher = Hasher()
        hasher.combine(key.0)
        hasher.combine(key.1)
        for byte in value { hasher.combine(byte) }
        let digits = String(UInt32(truncatingIfNeeded: hasher.finalize()), radix: 16)
        return Array("\"~\(String(repeating: "0", count: 8 - digits.utf8.count))\(digits)\"".utf8)
    }
}
