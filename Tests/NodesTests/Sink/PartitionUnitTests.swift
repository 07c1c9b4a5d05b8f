import Foundation
import Testing

@testable import Nodes

@Suite struct PartitionUnitTests {
    private static let day: Int64 = 86_400_000_000

    private static func moment(_ text: String) throws -> Int64 {
        Int64(try Date(text, strategy: .iso8601).timeIntervalSince1970 * 1e6)
    }

    @Test func longerLivesHaveLongerPartitions() {
        #expect(PartitionUnit(keeping: 2 * Self.day) == .hour)
        #expect(PartitionUnit(keeping: 2 * Self.day + 1) == .day)
        #expect(PartitionUnit(keeping: 100 * Self.day) == .day)
        #expect(PartitionUnit(keeping: .max) == .month)
    }

    @Test(arguments: [
        (PartitionUnit.hour, "2026-03-01T05:59:59Z", "2026-03-01T05:00:00Z", "2026-03-01T06:00:00Z", "_p20260301_05"),
        (.day, "2026-02-28T23:59:59Z", "2026-02-28T00:00:00Z", "2026-03-01T00:00:00Z", "_p20260228"),
        (.month, "2024-02-29T12:00:00Z", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z", "_p202402"),
        (.month, "2025-12-31T23:59:59Z", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z", "_p202512"),
        (.day, "1969-12-31T23:59:59Z", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z", "_p19691231"),
        (.hour, "1969-12-31T22:30:00Z", "1969-12-31T22:00:00Z", "1969-12-31T23:00:00Z", "_p19691231_22"),
        (.month, "1601-01-15T00:00:00Z", "1601-01-01T00:00:00Z", "1601-02-01T00:00:00Z", "_p160101"),
    ])
    func aMomentLiesInOne(unit: PartitionUnit, at: String, from: String, to: String, suffix: String) throws {
        let bounds = unit.bounds(around: try Self.moment(at))
        #expect(bounds == (try Self.moment(from))..<(try Self.moment(to)))
        #expect(unit.suffix(from: bounds.lowerBound) == suffix)
        // Known again by how long it is.
        #expect(PartitionUnit(length: bounds.upperBound - bounds.lowerBound) == unit)
    }

    @Test func theyFollowOnOneAnother() {
        for unit in [PartitionUnit.hour, .day, .month] {
            var start = unit.bounds(around: -40 * 365 * Self.day).lowerBound
            var names: Set<String> = []
            for _ in 0..<1_500 {
                let bounds = unit.bounds(around: start)
                #expect(bounds.lowerBound == start)
                #expect(unit.bounds(around: bounds.upperBound - 1) == bounds)
                #expect(names.insert(unit.suffix(from: start)).inserted)
                start = bounds.upperBound
            }
        }
        #expect(PartitionUnit(length: 7 * Self.day) == nil)
    }
}
