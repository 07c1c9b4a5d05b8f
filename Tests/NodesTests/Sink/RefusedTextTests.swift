import DataflowTesting
import Platform
import Postgres
import Summaries
import SummariesTesting
import Testing

@testable import Dataflow
@testable import Nodes

/// Rows that are refused for the text they hold, and dead letters that every database can store.
@Suite struct RefusedTextTests {
    @Test func reasonsAreEscapedWhereTheEncodingLacksLetters() {
        #expect(ReasonText.storable("naïve", encoding: "UTF8") == "naïve")
        #expect(ReasonText.storable("plain", encoding: "LATIN1") == "plain")
        #expect(ReasonText.storable("a\\b", encoding: "LATIN1") == "a\\b")
        #expect(ReasonText.storable("é\\…😀日", encoding: "LATIN1") == "\\u00e9\\\\...\\U0001f600\\u65e5")
        #expect(ReasonText.storable("é", encoding: nil) == "\\u00e9")
        #expect(ReasonText.storable("é\0", encoding: "SQL_ASCII") == "é\\u0000")
    }

    @Test(arguments: ["LATIN1", "WIN1252", "EUC_JP", "SQL_ASCII", "UTF8"])
    func everyDatabaseTakesEveryReason(encoding: String) async throws {
        try await onThread {
            let stand = try TargetStand("letters_\(encoding.lowercased())", encoding: encoding)
            let instance = try stand.instance()
            #expect(try instance.commit(["DE"], reasons: ["…", "日本 \u{1F600}", "\0", "\u{81}"]) == .committed)
            #expect(try stand.number("SELECT count(*) FROM millrace.dead_letters") == 4)
            // A key that the encoding cannot hold is a refused row; all others go on.
            let outcome = try instance.commit(["DE", "😀"])
            if ["SQL_ASCII", "UTF8"].contains(encoding) {
                #expect(outcome == .committed)
            } else {
                guard case .refused(let reason) = outcome else {
                    Issue.record("ended with \(outcome)")
                    return
                }
                #expect(reason.contains("22P05"), "\(reason)")
                #expect(!instance.refused.isEmpty)
                #expect(try instance.commit(["DE"]) == .committed)
            }
            #expect(try stand.number("SELECT events FROM kpi WHERE country = 'DE'") == 2)
        }
    }

    /// Whoever sends events must not be able to stop a topology: refusals for text never count as too many.
    @Test func textsThatTheEncodingLacksNeverStopTheTopology() async throws {
        try await onThread {
            let stand = try TargetStand("many_texts", encoding: "LATIN1")
            let instance = try stand.instance()
            let bad = (0..<(SinkLimits.refusedInARowMax + 600)).map { "日\($0)" }
            var searches = 0
            for start in stride(from: 0, to: bad.count, by: SinkLimits.refusedGroupsPerSearch) {
                let part = bad[start..<min(bad.count, start + SinkLimits.refusedGroupsPerSearch)]
                guard case .refused = try instance.commit(Array(part) + ["DE"]) else { continue }
                searches += 1
            }
            #expect(searches == 6)
            #expect(try instance.commit(["DE"]) == .committed)
        }
    }

    /// The bound is what an index holds: one byte less than that is stored, one byte more would be refused.
    @Test func theLongestKeyFitsAnIndexEntryBesideAWindow() async throws {
        try await onThread {
            let stand = try TargetStand("long_key")
            let plan = SummaryPlan.ofRecords(
                keys: Array(SummaryRecord.keys.prefix(1)), metrics: [MetricPlan(Count("events"))])
            let instance = try stand.instance(plan: plan)
            // Letters that do not compress.
            var random = SeededRandom(seed: 5)
            let text = { (count: Int) in
                String(decoding: (0..<count).map { _ in UInt8.random(in: 33...126, using: &random) }, as: UTF8.self)
            }
            let longest = text(SummaryPlan.keyBytesMax - GroupOrder.textBytesAround)
            #expect(try instance.commit([longest]) == .committed)
            guard case .refused(let reason) = try instance.commit([text(2_800)]) else {
                Issue.record("Postgres took it")
                return
            }
            #expect(reason.contains("54000"), "\(reason)")
        }
    }

    @Test func recordsWithKeysThatNoIndexTakesAreLeftOut() throws {
        let plan = SummaryPlan.ofRecords(
            keys: Array(SummaryRecord.keys.prefix(2)), sets: [[0, 1], [1], []], hasWindow: false,
            metrics: [MetricPlan(Count("events"))])
        let delta = SummaryDelta.empty(plan, TargetStand.memory)
        let longest = SummaryPlan.keyBytesMax - GroupOrder.textBytesAround - GroupOrder.numberBytes
        func batch(_ lengths: [Int]) -> Batch {
            let records = lengths.map {
                SummaryRecord(
                    time: 0, country: String(repeating: "k", count: $0), level: 1, paid: nil, user: "u", price: nil,
                    ratio: 0)
            }
            return SummaryRecord.batch(records[...], serial: UInt64(lengths.count + lengths.reduce(0, +)))
        }
        let rows = { (count: Int) in unsafe RowSelection(rows: nil, count: count) }
        #expect(!delta.mayHoldLongKeys(batch([3, 700]), rows(2)))
        let mixed = batch([longest, 5, longest + 1, 8_000, 6])
        #expect(delta.mayHoldLongKeys(mixed, rows(5)))
        let (taken, left) = delta.add(mixed, rows(5), [nil], except: RefusedGroups())
        #expect(taken == [0, 1, 4])
        #expect(left.map(\.row) == [2, 3])
        #expect(Set(left.map(\.fault.reason)).count == 1 && left[0].fault.reason.contains("2684"), "\(left)")
        delta.complete()
        // In no set: neither a row of its own nor a part of the total.
        #expect(delta.sets.map(\.groupCount) == [3, 1, 1])
    }
}
