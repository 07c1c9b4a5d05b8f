import Foundation
import Testing

@testable import EventGenerator

@Suite struct GameEventsTests {
    @Test func bytesArePinned() {
        // Equal to: millrace generate --events 10000 [--seed 7 --bad 0.05 ...] | sha256sum
        let plain = GameEvents(.init())
        let plainHash = "efd1358d54334351f3ce7a5ca6f873b3fbbf10c59e8ce409eeaccd122dfd8dc6"
        #expect(SHA256.hex(bytes(of: plain, 0..<10_000)) == plainHash)
        let other = GameEvents(
            .init(
                seed: 7, users: 100, items: 10, start: 951_782_400_000, eventsPerSecond: 3,
                malformedShare: GameEvents.Options.malformedShare(of: 0.05)))
        let otherHash = "e86dfba440c0b19c7a50237f6e04bccb47278b5eec5e3c5d6db52b7e5e175c8c"
        #expect(SHA256.hex(bytes(of: other, 0..<10_000)) == otherHash)
    }

    @Test func sha256KnowsItsTestVector() {
        #expect(
            SHA256.hex(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func anEventDoesNotDependOnThoseBefore() {
        let generator = GameEvents(.init(seed: 3))
        let whole = bytes(of: generator, 0..<3000)
        let parts = bytes(of: generator, 0..<1) + bytes(of: generator, 1..<999) + bytes(of: generator, 999..<3000)
        #expect(whole == parts)
        #expect(whole.suffix(bytes(of: generator, 2999..<3000).count) == bytes(of: generator, 2999..<3000)[...])
    }

    @Test func anotherSeedMakesOtherEvents() {
        #expect(bytes(of: GameEvents(.init(seed: 1)), 0..<10) != bytes(of: GameEvents(.init(seed: 2)), 0..<10))
    }

    @Test func everyEventIsAnObjectWithTheDeclaredTypes() throws {
        for event in try events(GameEvents(.init(seed: 11)), 0..<20_000) {
            let line = "seed 11: \(event)"
            let ts = try #require(event["ts"] as? String, "\(line)")
            #expect(ts.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(line)")
            #expect(event["event"] is String && event["user"] is String && event["session"] is String, "\(line)")
            #expect(event["version"] is String && event["payload"] is [String: Any], "\(line)")
            #expect(event["country"] is String || event["country"] is NSNull, "\(line)")
            #expect(event["platform"].map { $0 is String } ?? true, "\(line)")
            #expect((event["level"] as? Int).map { (1...100).contains($0) } == true, "\(line)")
            #expect((event["duration_ms"] ?? 0) as? Int != nil, "\(line)")
            #expect((event["revenue"] != nil) == (event["event"] as? String == "purchase"), "\(line)")
        }
    }

    @Test func revenueHasTwoDecimals() throws {
        let text = String(decoding: bytes(of: GameEvents(.init(seed: 5)), 0..<20_000), as: UTF8.self)
        let amounts = text.matches(of: /"revenue":([^,]*),/).map { String($0.1) }
        #expect(amounts.count > 300)
        #expect(amounts.allSatisfy { $0.wholeMatch(of: /\d+\.\d\d/) != nil })
    }

    @Test func eventsHaveTheSizeOfRealOnes() {
        let generator = GameEvents(.init(seed: 2))
        let sizes = (0..<20_000).map { bytes(of: generator, $0..<$0 + 1).count }
        let mean = Double(sizes.reduce(0, +)) / 20_000
        #expect((330...355).contains(mean))
        #expect(sizes.max()! <= 450 && sizes.min()! >= 200)
    }

    @Test func fewPlayersAndItemsMakeMostEvents() throws {
        var users: [String: Int] = [:]
        var items: [String: Int] = [:]
        for event in try events(GameEvents(.init(seed: 1, users: 20_000, items: 20_000)), 0..<100_000) {
            users[event["user"] as! String, default: 0] += 1
            if let item = event["item"] as? String { items[item, default: 0] += 1 }
        }
        for counts in [users, items] {
            let sorted = counts.values.sorted(by: >)
            let total = sorted.reduce(0, +)
            // With weights r^(-3/4) the first 1 % have about 28 % of the events and no single one more than 3 %.
            let top = sorted.prefix(200).reduce(0, +)
            #expect((22...36).contains(100 * top / total))
            #expect(100 * sorted[0] / total < 3)
            #expect(counts.count > 15_000 && counts.count <= 20_000)
        }
    }

    @Test func playersKeepTheirCountryAndPlatform() throws {
        var traits: [String: Set<String>] = [:]
        for event in try events(GameEvents(.init(seed: 4, users: 50)), 0..<10_000) {
            guard let country = event["country"] as? String, let platform = event["platform"] as? String else {
                continue
            }
            traits[event["user"] as! String, default: []].insert("\(country) \(platform)")
        }
        #expect(traits.count == 50)
        #expect(traits.values.allSatisfy { $0.count == 1 })
    }

    @Test func eventTimeAdvancesSlightlyOutOfOrder() throws {
        let options = GameEvents.Options(seed: 9, eventsPerSecond: 100)
        var late = 0
        for (index, event) in try events(GameEvents(options), 0..<20_000).enumerated() {
            let time = try Date(
                event["ts"] as! String, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
            let due = Double(options.start) / 1000 + Double(index) / 100
            let delay = due - time.timeIntervalSince1970
            #expect((-0.001...600).contains(delay), "seed 9, event \(index)")
            if delay > 5 { late += 1 }
        }
        #expect((5...50).contains(late))
    }

    @Test func textsHoldEscapesAndManyScripts() throws {
        let lines = bytes(of: GameEvents(.init(seed: 8)), 0..<50_000)
        let text = String(decoding: lines, as: UTF8.self)
        for piece in ["\u{674e}\u{96f7}", "\u{1f98a}", #"\ud83d\ude80"#, #"\""#, #"\\"#, #"guest\u002d"#, "guest-"] {
            #expect(text.contains(piece), "seed 8: \(piece)")
        }
        let guests = try events(GameEvents(.init(seed: 8)), 0..<50_000).compactMap { $0["user"] as? String }
            .filter { $0.hasPrefix("guest") }
        #expect(guests.allSatisfy { $0.hasPrefix("guest-") })
    }

    @Test func malformedEventsLeaveTheOthersAsTheyWere() {
        let share = GameEvents.Options.malformedShare(of: 0.1)
        let good = GameEvents(.init(seed: 6))
        let bad = GameEvents(.init(seed: 6, malformedShare: share))
        let changed = (0..<10_000).filter { bytes(of: good, $0..<$0 + 1) != bytes(of: bad, $0..<$0 + 1) }
        #expect((900...1100).contains(changed.count))
    }

    @Test func everyMalformedEventIsOneLineThatCannotBeRead() {
        let all = GameEvents(.init(seed: 6, malformedShare: GameEvents.Options.malformedShare(of: 1)))
        for index in UInt64(0)..<2000 {
            let line = bytes(of: all, index..<index + 1)
            #expect(line.count { $0 == UInt8(ascii: "\n") } == 1, "seed 6, event \(index)")
            let object = try? JSONSerialization.jsonObject(with: Data(line)) as? [String: Any]
            let user = object?["user"] as? String
            // What is valid JSON holds a value that a declared column cannot.
            let isReadable =
                object != nil && user?.contains("\0") == false && !line.contains(0xff)
                && (object?["duration_ms"] ?? 0) is Int && !String(decoding: line, as: UTF8.self).contains(#"\ud83d","#)
                && !String(decoding: line, as: UTF8.self).contains("92233720368547758070")
            #expect(!isReadable, "seed 6, event \(index): \(String(decoding: line, as: UTF8.self))")
        }
    }

    private func bytes(of generator: GameEvents, _ range: Range<UInt64>) -> [UInt8] {
        var buffer = EventBuffer(capacity: 64)
        for index in range { generator.append(event: index, into: &buffer) }
        return unsafe buffer.withUnsafeBytes { unsafe Array($0) }
    }

    private func events(_ generator: GameEvents, _ range: Range<UInt64>) throws -> [[String: Any]] {
        let lines = bytes(of: generator, range).split(separator: UInt8(ascii: "\n"))
        #expect(lines.count == range.count)
        return try lines.map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        }
    }
}
