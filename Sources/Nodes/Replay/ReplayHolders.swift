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
        var wantedElements: [Int64: Set<String?>] = [:]
        for place in wanted { wantedElements[place.offset, default: []].insert(place.element) }
        var found: [ReplayPlace: [[Int]]] = [:]
        var number = documentsBefore(run)
        var row = run.rows.lowerBound
        for message in run.messages {
            var lines = LineCount(start: batch.messages[message].start)
            for _ in 0..<(batch.framing == .document ? 1 : finder.counts[message]) {
                let first = row
                while row < run.rows.upperBound, places.documents[row] == number { row += 1 }
                let document = finder.documents[number]
                number += 1
                let offset = self.offset(of: document, in: batch.messages[message])
                guard let elements = wantedElements[offset] else { continue }
                let line = batch.framing == .lines ? lines.count(to: document.offset, in: batch) : 0
                for holder in holders(document, first..<row, elements) {
                    let place = ReplayPlace(
                        offset: offset, line: line, element: holder.element, payload: kept(holder.range))
                    if wanted.contains(place) { found[place, default: []].append(Array(holder.rows)) }
                }
            }
        }
        return found
    }

    /// What may stand in the place of a letter.
    private struct Holder {
        /// Which element of the document it is; nil for the document.
        var element: String?
        var range: DocumentRange
        var rows: Range<Int>
    }

    private func documentsBefore(_ run: BatchRun) -> Int {
        batch.framing == .document ? run.messages.lowerBound : finder.counts[..<run.messages.lowerBound].reduce(0, +)
    }

    private func offset(of document: DocumentRange, in message: BatchMessage) -> Int64 {
        batch.framing == .chunk ? message.offset + Int64(document.offset - message.start) : message.offset
    }

    /// Counts the lines of a message as far as is asked for, each once.
    private struct LineCount {
        var start: UInt32
        var line: Int32 = 0

        mutating func count(to end: UInt32, in batch: Batch) -> Int32 {
            let passed = unsafe UnsafeRawBufferPointer(start: batch.base + Int(start), count: Int(end - start))
            line += unsafe Int32(passed.count { $0 == UInt8(ascii: "\n") })
            start = end
            return line
        }
    }

    /// The bytes that a letter keeps.
    private func kept(_ range: DocumentRange) -> [UInt8] {
        let length = min(Int(range.length), Limits.deadLetterBytesMax)
        return unsafe [UInt8](UnsafeRawBufferPointer(start: batch.base + Int(range.offset), count: length))
    }

    /// The document, and the elements in it that hold others, each with all rows in it; of these only those that are wanted.
    private func holders(_ document: DocumentRange, _ rows: Range<Int>, _ wanted: Set<String?>) -> [Holder] {
        var holders = wanted.contains(nil) ? [Holder(element: nil, range: document, rows: rows)] : []
        guard wanted.contains(where: { $0 != nil }) else { return holders }
        let bytes = unsafe UnsafeRawBufferPointer(
            start: batch.base + Int(document.offset), count: Int(document.length))
        for (element, range) in unsafe HolderScan.elements(of: bytes, batch.elementPlaces)
        where wanted.contains(element) {
            let (start, end) = (document.offset + UInt32(range.lowerBound), document.offset + UInt32(range.upperBound))
            let held = firstRow(in: rows, from: start)..<firstRow(in: rows, from: end)
            holders.append(
                Holder(element: element, range: DocumentRange(offset: start, length: end - start), rows: held))
        }
        return holders
    }

    /// The first row of a document that stands at or behind a byte of the batch.
    private func firstRow(in rows: Range<Int>, from start: UInt32) -> Int {
        var (low, high) = (rows.lowerBound, rows.upperBound)
        while low < high {
            let middle = (low + high) / 2
            if batch.elementPlaces.ranges[middle].offset < start { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// Finds the elements of arrays that hold further ones, in a document that is known to be valid JSON.
private struct HolderScan {
    private var scan: ValueScan
    private let places: ElementPlaces
    private var found: [(element: String, range: Range<Int>)] = []

    /// What the elements of all arrays but the last are called, and where they lie.
    static func elements(
        of document: UnsafeRawBufferPointer, _ places: ElementPlaces
    ) -> [(element: String, range: Range<Int>)] {
        guard places.paths.count > 1 else { return [] }
        var scan = unsafe HolderScan(scan: ValueScan(document), places: places)
        scan.descend(places.paths[0][...], to: 0, in: "")
        return scan.found
    }

    private init(scan: ValueScan, places: ElementPlaces) { (self.scan, self.places) = (scan, places) }

    /// From the value at this place to an array.
    private mutating func descend(_ keys: ArraySlice<String>, to array: Int, in holder: String) {
        guard let name = keys.first else { return goThrough(array, in: holder) }
        guard scan.byte == UInt8(ascii: "{") else { return scan.skipValue() }
        let mark = found.count
        scan.at += 1
        scan.skipSpace()
        while let key = unsafe scan.key() {
            scan.skipSpace()
            if unsafe ValueScan.isKey(key, name) {
                // A later member of the same name counts instead.
                found.removeSubrange(mark...)
                descend(keys.dropFirst(), to: array, in: holder)
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

    private mutating func goThrough(_ array: Int, in holder: String) {
        guard array + 1 < places.paths.count, scan.byte == UInt8(ascii: "[") else { return scan.skipValue() }
        let name = (holder.isEmpty ? "" : holder + ".") + places.arrays[array]
        scan.at += 1
        scan.skipSpace()
        var number = 0
        while !scan.isAtEnd, scan.byte != UInt8(ascii: "]") {
            let start = scan.at
            if scan.byte == UInt8(ascii: "{") {
                let element = "\(name)[\(number)]"
                descend(places.paths[array + 1][...], to: array + 1, in: element)
                found.append((element, start..<scan.at))
                scan.skipSpace()
            } else {
                scan.skipValue()
            }
            number += 1
            guard scan.byte == UInt8(ascii: ",") else { break }
            scan.at += 1
            scan.skipSpace()
        }
        scan.at += 1
    }
}
