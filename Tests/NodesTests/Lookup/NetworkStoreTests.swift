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
            cells: cells.enumerated().map {
                LookupPlan.Cell(name: "c\($0)", column: LookupStand.firstAdded + $0, dimension: $1)
            },
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

    private static func stand(_ addresses: [String?]) -> LookupStand {
        LookupStand(addresses.map { LookupStand.Record(text: $0) }, added: cells.map { ColumnType($0.type) })
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
        let stand = Self.stand(["203.0.113.9", "no address", nil, "192.0.2.1", "198.51.100.3", "203.0.113.10"])
        #expect(reader.look(stand.batch, stand.all).map(\.digest) == [first.digest])
        let berlin = ["DE", "52.5", "64500", "true"]
        let nothing = ["-", "-", "-", "-"]
        #expect(
            (0..<6).map { stand.shown($0, 4) } == [
                berlin, nothing, nothing, nothing, ["-", "7.0", "-", "-"], berlin,
            ])
        #expect((0..<6).map { reader.isMissing($0) } == [false, true, true, true, false, false])
        #expect(reader.missed == 3)

        try replace("FR")
        let second = try store.load(accept: { _ in }, isCancelled: { false })
        #expect(second.number == 2 && second.digest != first.digest)
        let later = Self.stand(["203.0.113.9"])
        _ = reader.look(later.batch, later.all)
        #expect(later.shown(0, 4)[0] == "FR")
        #expect(stand.shown(0, 4) == berlin)

        try Data("no database".utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
        #expect(throws: (any Error).self) { try store.load(accept: { _ in }, isCancelled: { false }) }
        _ = reader.look(later.batch, later.all)
        #expect(later.shown(0, 4)[0] == "FR")
    }
}
