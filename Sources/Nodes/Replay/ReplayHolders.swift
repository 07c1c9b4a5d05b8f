import Dataflow
import JSON

/// Finds the records that stand in the place of a letter which is of more than one: of a document, or of an element that holds
/// others. It was bad as a whole when it was read, or its elements were no records then.
struct ReplayHolders {
    let batch: Batch
    let finder: DocumentFinder

    /// The documents of a run that stand at some places, and the elements in them that hold others.
    /// - Parameter wanted: the places of letters for which no record was found.
    /// - Returns: by place, the rows of each that has it: none where it has no elements.
    func rows(of run: BatchRun, at wanted: Set<ReplayPlace>) -> [ReplayPlace: [[Int]]] {
        let places = batch.elementPlaces
        guard !places.isEmpty else { return [:] }
        let offsets = Set(wanted.map(\.offset))
        var found: [ReplayPlace: [[Int]]] = [:]
        var number = documentsBefore(run)
        var row = run.rows.lowerBound
        for message in run.messages {
            for _ in 0..<(batch.framing == .document ? 1 : finder.counts[message]) {
                let first = row
                while row < run.rows.upperBound, places.documents[row] == number { row += 1 }
                let document = finder.documents[number]
                number += 1
                let offset = self.offset(of: document, in: batch.messages[message])
                guard offsets.contains(offset) else { continue }
                let line = line(of: document, in: batch.messages[message])
                for (range, rows) in holders(document, first..<row) {
                    let place = ReplayPlace(offset: offset, line: line, payload: kept(range))
                    if wanted.contains(place) { found[place, default: []].append(rows) }
                }
            }
        }
        return found
    }

    private func documentsBefore(_ run: BatchRun) -> Int {
        batch.framing == .document ? run.messages.lowerBound : finder.counts[..<run.messages.lowerBound].reduce(0, +)
    }

    private func offset(of document: DocumentRange, in message: BatchMessage) -> Int64 {
        batch.framing == .chunk ? message.offset + Int64(document.offset - message.start) : message.offset
    }

    private func line(of document: DocumentRange, in message: BatchMessage) -> Int32 {
        guard batch.framing == .lines else { return 0 }
        let before = unsafe UnsafeRawBufferPointer(
            start: batch.base + Int(message.start), count: Int(document.offset - message.start))
        return unsafe Int32(before.count { $0 == UInt8(ascii: "\n") })
    }

    /// The bytes that a letter keeps.
    private func kept(_ range: DocumentRange) -> [UInt8] {
        let length = min(Int(range.length), Limits.deadLetterBytesMax)
        return unsafe [UInt8](UnsafeRawBufferPointer(start: batch.base + Int(range.offset), count: length))
    }

    /// The document, and the elements in it that hold others, each with all rows in it.
    private func holders(_ document: DocumentRange, _ rows: Range<Int>) -> [(range: DocumentRange, rows: [Int])] {
        let bytes = unsafe UnsafeRawBufferPointer(start: batch.base + Int(document.offset), count: Int(document.length))
        let ranges = batch.elementPlaces.ranges
        let elements = unsafe HolderScan.elements(of: bytes, batch.elementPlaces.paths).map { range in
            let (start, end) = (document.offset + UInt32(range.lowerBound), document.offset + UInt32(range.upperBound))
            let held = rows.filter { ranges[$0].offset > start && ranges[$0].offset < end }
            return (range: DocumentRange(offset: start, length: end - start), rows: held)
        }
        return [(document, Array(rows))] + elements
    }
}

/// Finds the elements of arrays that hold further ones, in a document that is known to be valid JSON. Keys are compared as they
/// are written.
private struct HolderScan {
    private var scan: ValueScan
    private let paths: [[String]]
    private var found: [Range<Int>] = []

    /// The places of the elements of all arrays but the last.
    static func elements(of document: UnsafeRawBufferPointer, _ paths: [[String]]) -> [Range<Int>] {
        guard paths.count > 1 else { return [] }
        var scan = unsafe HolderScan(scan: ValueScan(document), paths: paths)
        scan.descend(paths[0][...], to: 0)
        return scan.found
    }

    private init(scan: ValueScan, paths: [[String]]) { (self.scan, self.paths) = (scan, paths) }

    /// From the value at this place to an array.
    private mutating func descend(_ keys: ArraySlice<String>, to array: Int) {
        guard let name = keys.first else { return goThrough(array) }
        guard scan.byte == UInt8(ascii: "{") else { return scan.skipValue() }
        let mark = found.count
        scan.at += 1
        scan.skipSpace()
        while let key = unsafe scan.key() {
            scan.skipSpace()
            if unsafe key.elementsEqual(name.utf8) {
                // A later member of the same name counts instead.
                found.removeSubrange(mark...)
                descend(keys.dropFirst(), to: array)
                scan.skipSpace()
            } else {
                scan.skipValue()
            }
            guard scan.byte == UInt8(ascii: ",") else { break }
            scan.at += 1
            scan.skipSpace()
        }
        scan.at += 1
    }

    private mutating func goThrough(_ array: Int) {
        guard array + 1 < paths.count, scan.byte == UInt8(ascii: "[") else { return scan.skipValue() }
        scan.at += 1
        scan.skipSpace()
        while !scan.isAtEnd, scan.byte != UInt8(ascii: "]") {
            let start = scan.at
            if scan.byte == UInt8(ascii: "{") {
                descend(paths[array + 1][...], to: array + 1)
                found.append(start..<scan.at)
                scan.skipSpace()
            } else {
                scan.skipValue()
            }
            guard scan.byte == UInt8(ascii: ",") else { break }
            scan.at += 1
            scan.skipSpace()
        }
        scan.at += 1
    }
}
