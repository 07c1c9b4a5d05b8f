import Lookups

/// The records of a CSV file, as RFC 4180 has them (Shafranovich, Common Format and MIME Type for Comma-Separated Values
/// Files, 2005), in UTF-8.
///
/// A line ends with CR LF or LF, the last one also with the file. A byte order mark in front is skipped, and so are empty
/// lines. A field in quotes may hold commas, line ends, and quotes written twice.
struct CSVReader: ~Copyable {
    private static let quote = UInt8(ascii: "\"")
    private static let newline = UInt8(ascii: "\n")
    private static let carriageReturn = UInt8(ascii: "\r")

    private var stream: ByteStream
    private let delimiter: UInt8
    private var isAtStart = true
    /// The line at which the current record begins, from 1.
    private(set) var line = 0
    private var nextLine = 1
    /// The contents of the current record's fields, one after the other.
    private(set) var bytes: [UInt8] = []
    /// Where they end.
    private var ends: [Int] = []
    private var areQuoted: [Bool] = []

    /// - Throws: when the file cannot be opened.
    init(path: String, delimiter: UInt8) throws(LookupError) {
        stream = try ByteStream(path: path)
        self.delimiter = delimiter
    }

    /// Fields of the current record.
    var count: Int { ends.count }

    /// Where a field's bytes lie.
    func range(_ field: Int) -> Range<Int> { (field == 0 ? 0 : ends[field - 1])..<ends[field] }

    /// Whether a field was in quotes.
    func isQuoted(_ field: Int) -> Bool { areQuoted[field] }

    /// A field as text.
    func text(_ field: Int) -> String { String(decoding: bytes[range(field)], as: UTF8.self) }

    /// Where the current record is, for messages.
    var place: String { "\(stream.path):\(line)" }

    /// Reads the next record; false at the end of the file.
    /// - Throws: when the file cannot be read, or is no CSV.
    mutating func next() throws(LookupError) -> Bool {
        if isAtStart { try skipByteOrderMark() }
        while let first = try stream.peek() {
            line = nextLine
            if first == Self.newline || first == Self.carriageReturn {
                // An empty line; a lone carriage return is found below.
                _ = try stream.next()
                if first == Self.carriageReturn, try stream.peek() != Self.newline { throw loneReturn() }
                if first == Self.newline { nextLine += 1 }
                continue
            }
            bytes.removeAll(keepingCapacity: true)
            ends.removeAll(keepingCapacity: true)
            areQuoted.removeAll(keepingCapacity: true)
            while try readField() {}
            return true
        }
        return false
    }

    /// Reads a field and what ends it; true when another follows in the record.
    private mutating func readField() throws(LookupError) -> Bool {
        guard try stream.peek() == Self.quote else { return try readPlain() }
        _ = try stream.next()
        let opened = nextLine
        while let byte = try stream.next() {
            if byte == Self.quote {
                guard try stream.peek() == Self.quote else { return try endQuoted() }
                _ = try stream.next()
            }
            if byte == Self.newline { nextLine += 1 }
            bytes.append(byte)
        }
        throw LookupError(
            .value, "\(stream.path):\(opened): a quote is opened and never closed; close it, or write it twice")
    }

    private mutating func readPlain() throws(LookupError) -> Bool {
        while let byte = try stream.next() {
            switch byte {
            case delimiter: return end(isQuoted: false, hasMore: true)
            case Self.newline:
                nextLine += 1
                return end(isQuoted: false, hasMore: false)
            case Self.carriageReturn:
                guard try stream.peek() == Self.newline else { throw loneReturn() }
            case Self.quote:
                throw LookupError(
                    .value,
                    "\(stream.path):\(nextLine): field \(ends.count + 1): a quote in a field that does not begin with one; "
                        + "put the field in quotes, and write those in it twice")
            default: bytes.append(byte)
            }
        }
        return end(isQuoted: false, hasMore: false)
    }

    /// What follows on a closing quote.
    private mutating func endQuoted() throws(LookupError) -> Bool {
        switch try stream.next() {
        case delimiter: return end(isQuoted: true, hasMore: true)
        case nil: return end(isQuoted: true, hasMore: false)
        case Self.newline:
            nextLine += 1
            return end(isQuoted: true, hasMore: false)
        case Self.carriageReturn:
            guard try stream.next() == Self.newline else { throw loneReturn() }
            nextLine += 1
            return end(isQuoted: true, hasMore: false)
        default:
            throw LookupError(
                .value,
                "\(stream.path):\(nextLine): field \(ends.count + 1): text behind its closing quote; write quotes in a field "
                    + "twice")
        }
    }

    private mutating func end(isQuoted: Bool, hasMore: Bool) -> Bool {
        ends.append(bytes.count)
        areQuoted.append(isQuoted)
        return hasMore
    }

    private func loneReturn() -> LookupError {
        LookupError(
            .value, "\(stream.path):\(nextLine): a carriage return without a line feed; end lines with LF or CR LF")
    }

    private mutating func skipByteOrderMark() throws(LookupError) {
        isAtStart = false
        guard try stream.peek() == 0xef else { return }
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        for byte in mark {
            guard try stream.next() == byte else {
                throw LookupError(.value, "\(stream.path):1: not UTF-8; save the file as UTF-8")
            }
        }
    }
}
