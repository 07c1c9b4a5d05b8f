import Dataflow
import Foundation
import Logging
import Lookups
import MaxMindTesting
import Testing

@testable import Nodes

/// Addresses joined to a database of networks.
@Suite struct NetworkStoreTests {
    private static let cells = [
        DimensionField("country.iso_code", .text), DimensionField("location.latitude", .double),
        DimensionField("traits.asn", .integer), DimensionField("traits.is_anycast", .boolean),
    ]

    private static func plan(_ path: String) -> LookupPlan {
        LookupPlan(
            node: "places", origin: .networks(path),
            keys: [LookupPlan.Key(field: "ip", column: 0, dimension: DimensionField("ip", .text))],
            cells: cells.enumerated().map { LookupPlan.Cell(name: "c\($0)", column: 1 + $0, dimension: $1) },
            missing: .null, schedule: LookupSchedule(every: .seconds(60)))
    }

    private static func database(_ country: String) -> [UInt8] {
        var writer = DatabaseWriter(addressVersion: 4)
        writer.add(
            [203, 0, 113, 0], length: 24,
            .map([
                ("country", .map([("iso_code", .text(country))])),
                ("location", .map([("latitude", .double(52.5))])),
                ("traits", .map([("asn", .unsigned32(64_500)), ("is_anycast", .boolean(true))])),
            ]))
        // A record that lacks most, and has a map where a text is asked for.
        writer.add(
            [198, 51, 100, 0], length: 24,
            .map([("country", .map([("iso_code", .map([]))])), ("location", .map([("latitude", .unsigned16(7))]))]))
        return writer.bytes
    }

    private static func batch(_ addresses: [String?]) -> Batch {
        var layout = BatchLayout([.text])
        for (offset, type) in [ColumnType.text, .double, .integer, .boolean].enumerated() {
            layout.add(type, as: 1 + offset)
        }
        let batch = Batch(payloadBytes: 4_096, layout: layout)
        for (offset, address) in addresses.enumerated() {
            var text = address ?? ""
            text.withUTF8 { utf8 in
                unsafe batch.append(UnsafeRawBufferPointer(utf8), offset: Int64(offset), timestamp: nil)
            }
        }
        batch.runs = [
            BatchRun(
                partition: 0, messages: 0..<addresses.count, tombstones: 0, nextOffset: Int64(addresses.count),
                tail: nil)
        ]
        batch.beginRows(addresses.count)
        batch.runs[0].rows = 0..<addresses.count
        for (row, address) in addresses.enumerated() {
            unsafe batch.rowMessages[row] = UInt32(row)
            unsafe batch.columns[0].slices[row] = TextSlice(
                offset: batch.messages[row].start, length: batch.messages[row].length)
            unsafe batch.columns[0].valid[row] = address == nil ? 0 : 1
        }
        return batch
    }

    private static func shown(_ batch: Batch, _ row: Int) -> [String] {
        (1...4).map { index in
            let column = batch.columns[index]
            guard unsafe column.valid[row] != 0 else { return "-" }
            switch column.type {
            case .text:
                let slice = unsafe column.slices[row]
                return unsafe String(
                    decoding: UnsafeRawBufferPointer(
                        start: column.base + Int(slice.offset), count: Int(slice.length)), as: UTF8.self)
            case .double: return unsafe "\(column.doubles[row])"
            case .boolean: return unsafe "\(column.booleans[row])"
            default: return unsafe "\(column.integers[row])"
            }
        }
    }

    @Test func addressesAreFoundAndANewFileTakesOver() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "\(UUID().uuidString).mmdb").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        func replace(_ country: String) throws {
            // By a rename, as files in use are replaced.
            try Data(Self.database(country)).write(to: URL(fileURLWithPath: path), options: .atomic)
        }
        try replace("DE")
        let plan = Self.plan(path)
        let store = NetworkStore(plan, path: path)
        let first = try store.load(accept: { _ in }, isCancelled: { false })
        #expect(first.number == 1 && first.rows > 0)
        #expect(try store.load(accept: { _ in }, isCancelled: { false }).number == 1)
        let reader = store.makeReader()
        let batch = Self.batch(["203.0.113.9", "no address", nil, "192.0.2.1", "198.51.100.3", "203.0.113.10"])
        let all = unsafe RowSelection(rows: nil, count: 6)
        #expect(reader.look(batch, all).map(\.digest) == [first.digest])
        let berlin = ["DE", "52.5", "64500", "1"]
        let nothing = ["-", "-", "-", "-"]
        #expect(
            (0..<6).map { Self.shown(batch, $0) } == [
                berlin, nothing, nothing, nothing, ["-", "7.0", "-", "-"], berlin,
            ])
        #expect((0..<6).map { reader.isMissing($0) } == [false, true, true, true, false, false])
        #expect(reader.missed == 3)

        try replace("FR")
        let second = try store.load(accept: { _ in }, isCancelled: { false })
        #expect(second.number == 2 && second.digest != first.digest)
        let later = Self.batch(["203.0.113.9"])
        _ = reader.look(later, unsafe RowSelection(rows: nil, count: 1))
        #expect(Self.shown(later, 0)[0] == "FR")
        #expect(Self.shown(batch, 0) == berlin)

        try Data("no database".utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        #expect(throws: (any Error).self) { try store.load(accept: { _ in }, isCancelled: { false }) }
        _ = reader.look(later, unsafe RowSelection(rows: nil, count: 1))
        #expect(Self.shown(later, 0)[0] == "FR")
    }
}
