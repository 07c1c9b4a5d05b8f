import Foundation
import MaxMind
import MaxMindTesting
import Platform
import Testing

/// Databases that `DatabaseWriter` makes.
@Suite struct MaxMindDatabaseTests {
    private static let berlin = DatabaseWriter.Value.map([
        (
            "country",
            .map([
                ("iso_code", .text("DE")), ("names", .map([("en", .text("Germany")), ("de", .text("Deutschland"))])),
            ])
        ),
        ("location", .map([("latitude", .double(52.5)), ("accuracy_radius", .unsigned16(100))])),
        ("subdivisions", .array([.map([("iso_code", .text("BE"))])])),
        (
            "traits",
            .map([("is_anycast", .boolean(true)), ("asn", .unsigned32(4_000_000_000)), ("off", .signed32(-7))])
        ),
        ("big", .unsigned64(.max)), ("long", .text(String(repeating: "x", count: 400))), ("half", .float(0.5)),
    ])

    private static func open(_ bytes: [UInt8]) throws -> MaxMindDatabase {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).mmdb").path
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        // What is mapped stays.
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try MaxMindDatabase(path: path)
    }

    private static func entry(_ answer: MaxMindAnswer) throws -> MaxMindEntry {
        guard case .found(let entry) = answer else {
            throw MaxMindTestError(description: "no record: \(answer)")
        }
        return entry
    }

    private struct MaxMindTestError: Error { var description: String }

    @Test func valuesOfEveryTypeAreRead() throws {
        var writer = DatabaseWriter(addressVersion: 4)
        writer.add([203, 0, 113, 0], length: 24, Self.berlin)
        let database = try Self.open(writer.bytes)
        #expect(database.type == "Test-City")
        #expect(database.addressVersion == 4)
        #expect(database.buildTime == 1_767_225_600)
        let entry = try Self.entry(database.find("203.0.113.77"))
        func value(_ path: String) -> MaxMindValue? { database.value(MaxMindPath(path), of: entry) }
        #expect(value("country.iso_code") == .text("DE"))
        #expect(value("country.names.de") == .text("Deutschland"))
        #expect(value("location.latitude") == .double(52.5))
        #expect(value("location.accuracy_radius") == .integer(100))
        #expect(value("subdivisions.0.iso_code") == .text("BE"))
        #expect(value("subdivisions.1.iso_code") == nil)
        #expect(value("traits.is_anycast") == .boolean(true))
        #expect(value("traits.asn") == .integer(4_000_000_000))
        #expect(value("traits.off") == .integer(-7))
        #expect(value("half") == .double(0.5))
        #expect(value("long") == .text(String(repeating: "x", count: 400)))
        #expect(value("big") == nil)
        #expect(value("country") == nil)
        #expect(value("country.iso_code.x") == nil)
        #expect(value("nothing") == nil)
    }

    @Test func textsAreLentFromTheFile() throws {
        var writer = DatabaseWriter(addressVersion: 4)
        writer.add([203, 0, 113, 0], length: 24, Self.berlin)
        let database = try Self.open(writer.bytes)
        let entry = try Self.entry(database.find("203.0.113.1"))
        let isInside = unsafe database.withText(MaxMindPath("country.iso_code"), of: entry) { text in
            let contents = unsafe database.contents
            return unsafe text.baseAddress! >= contents.baseAddress!
                && text.baseAddress! + text.count <= contents.baseAddress! + contents.count
        }
        #expect(isInside == true)
        #expect(unsafe database.withText(MaxMindPath("location.latitude"), of: entry) { $0.count } == nil)
    }

    @Test func whatIsNoAddressIsSaid() throws {
        var writer = DatabaseWriter(addressVersion: 4)
        writer.add([203, 0, 113, 0], length: 24, Self.berlin)
        let database = try Self.open(writer.bytes)
        for text in [
            "", "x", "203.0.113", "203.0.113.256", "203.0.113.1:80", " 203.0.113.1", "203.0.113.1\0",
            String(repeating: "1", count: 60),
        ] {
            #expect(database.find(text) == .notAnAddress, "\(text)")
        }
        #expect(database.find("203.0.114.1") == .missing)
        #expect(database.find("2001:db8::1") == .missing)
    }

    @Test func addressesOfVersionSixAreFound() throws {
        var writer = DatabaseWriter(addressVersion: 6)
        writer.add(
            [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 12), length: 32, .map([("n", .unsigned16(6))]))
        writer.add([UInt8](repeating: 0, count: 12) + [10, 0, 0, 0], length: 104, .map([("n", .unsigned16(4))]))
        let database = try Self.open(writer.bytes)
        let path = MaxMindPath("n")
        #expect(try database.value(path, of: Self.entry(database.find("2001:db8::77"))) == .integer(6))
        #expect(try database.value(path, of: Self.entry(database.find("10.1.2.3"))) == .integer(4))
        #expect(database.find("2001:db9::1") == .missing)
        #expect(database.find("11.0.0.1") == .missing)
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func theLongestNetworkAnswers(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var writer = DatabaseWriter(addressVersion: 4)
        var networks: [UInt32: UInt32] = [:]
        for number in 0..<300 {
            // Networks of one length, so that none holds another.
            let network = UInt32(random.below(1 << 16)) << 16
            if networks[network] != nil { continue }
            networks[network] = UInt32(number)
            writer.add(
                [UInt8(network >> 24), UInt8(network >> 16 & 0xff), 0, 0], length: 16,
                .map([("n", .unsigned32(UInt32(number)))]))
        }
        let database = try Self.open(writer.bytes)
        let path = MaxMindPath("n")
        for _ in 0..<2_000 {
            let network =
                random.chance(50)
                ? networks.keys.sorted()[random.below(networks.count)] : UInt32(random.below(1 << 16)) << 16
            let address = "\(network >> 24).\(network >> 16 & 0xff).\(random.below(256)).\(random.below(256))"
            if let number = networks[network] {
                #expect(
                    try database.value(path, of: Self.entry(database.find(address))) == .integer(Int64(number)),
                    "seed \(seed)")
            } else {
                #expect(database.find(address) == .missing, "\(address), seed \(seed)")
            }
        }
    }

    @Test func filesThatAreNoneAreNamed() throws {
        let missing = #expect(throws: MaxMindError.self) { try MaxMindDatabase(path: "/nowhere.mmdb") }
        #expect(
            missing?.description
                == "/nowhere.mmdb: the file cannot be opened: No such file or directory; check its path and its permissions"
        )
        let other = #expect(throws: MaxMindError.self) { try Self.open(Array("no database".utf8)) }
        #expect(other?.code == .format)
        #expect(
            other?.description.hasSuffix(": no MaxMind database, expected a file such as GeoLite2-City.mmdb, unpacked")
                == true)
    }
}
