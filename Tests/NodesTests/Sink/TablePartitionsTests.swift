import Foundation
import Summaries
import SummariesTesting
import Testing

@testable import Dataflow
@testable import Nodes

/// Partitions of a table, whatever becomes of them between two commits.
@Suite struct TablePartitionsTests {
    private static let day: Int64 = 86_400_000_000
    private static let plan = SummaryPlan.ofRecords(
        keys: Array(SummaryRecord.keys.prefix(1)), hasWindow: true, metrics: [MetricPlan(Count("events"))])

    /// Records of now and of so many days ago.
    private static func records(daysAgo days: [Int]) -> [SummaryRecord] {
        let now = Int64(Date.now.timeIntervalSince1970 * 1e6)
        return days.map {
            SummaryRecord(
                time: now - Int64($0) * day, country: "NO", level: nil, paid: nil, user: "u", price: nil, ratio: 0)
        }
    }

    /// Records of each hour of so many days, in the order of the log.
    private static func hours(ofDaysAgo days: Range<Int>) -> [SummaryRecord] {
        let now = Int64(Date.now.timeIntervalSince1970 * 1e6)
        return (days.lowerBound * 24..<days.upperBound * 24).reversed().map {
            SummaryRecord(
                time: now - Int64($0) * 3_600_000_000, country: "NO", level: nil, paid: nil, user: "u", price: nil,
                ratio: 0)
        }
    }

    /// One of each hour would be more than there may be.
    @Test func aBacklogOfMonthsSharesWideOnes() async throws {
        let stand = try TargetStand("partition_backlog")
        try await onThread {
            let (keep, months) = (2 * Self.day, Self.hours(ofDaysAgo: 0..<150))
            let instance = try stand.instance(plan: Self.plan, keep: keep)
            for part in [months[0..<1_000], months[1_000..<2_900], months[2_900...]] {
                #expect(try instance.commit(records: Array(part)) == .committed)
            }
            // Those of hours that are kept, one that is just past its time at most, and those of the backlog.
            let wide = "SELECT count(*) FROM pg_class WHERE relname LIKE 'kpi\\_past\\_%' AND relkind = 'r'"
            let all = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'kpi'::regclass"
            #expect(try stand.number(all) < 60)
            #expect(try (1...3).contains(stand.number(wide)))
            #expect(try stand.number("SELECT sum(events)::bigint FROM kpi") == Int64(months.count))
            // Further back than any: one more, beneath them.
            #expect(try instance.commit(records: Self.hours(ofDaysAgo: 300..<301)) == .committed)
            #expect(try stand.number("SELECT count(*) FROM millrace.dead_letters") == 0)

            // What is past its time goes as a whole; late records of it make it anew.
            _ = try stand.instance(8, plan: Self.plan, keep: keep)
            #expect(try stand.number(wide) == 0)
            #expect(try stand.number("SELECT count(*) FROM kpi WHERE window_start < now() - interval '52 hours'") == 0)
            #expect(try stand.number("SELECT sum(events)::bigint FROM kpi") >= 48)
            #expect(try instance.commit(records: Self.hours(ofDaysAgo: 140..<141)) == .committed)
            #expect(try stand.number(wide) == 1)
        }
    }

    /// Months of centuries, in any order and over and over: each time of long ago has its place.
    @Test func timesOfCenturiesAgoAreNoObstacle() async throws {
        let stand = try TargetStand("partition_centuries")
        try await onThread {
            let instance = try stand.instance(plan: Self.plan, keep: 200 * Self.day)
            let times = [[0, 100_000], [150_000, 90_000], [400, 100_000], [120_000, 0, 149_999]]
            for days in times { #expect(try instance.commit(records: Self.records(daysAgo: days)) == .committed) }
            #expect(try stand.number("SELECT sum(events)::bigint FROM kpi") == 9)
            #expect(try stand.number("SELECT count(*) FROM pg_inherits WHERE inhparent = 'kpi'::regclass") <= 4)
            #expect(try stand.number("SELECT count(*) FROM millrace.dead_letters") == 0)
            _ = try stand.instance(7, plan: Self.plan, keep: 200 * Self.day)
            #expect(try stand.number("SELECT sum(events)::bigint FROM kpi") == 2)
        }
    }

    /// A wide one may end in the middle of a unit of another length: what is beside it is found all the same.
    @Test func aLongerLifeFindsItsPlaceBesideWideOnes() async throws {
        let stand = try TargetStand("partition_longer")
        try await onThread {
            let first = try stand.instance(plan: Self.plan, keep: 2 * Self.day)
            #expect(try first.commit(records: Self.hours(ofDaysAgo: 10..<12)) == .committed)
            let second = try stand.instance(1, plan: Self.plan, keep: 90 * Self.day)
            #expect(try second.commit(records: Self.hours(ofDaysAgo: 0..<20)) == .committed)
            #expect(try second.commit(records: Self.hours(ofDaysAgo: 0..<20)) == .committed)
            #expect(try stand.number("SELECT sum(events)::bigint FROM kpi") == (2 + 40) * 24)
            #expect(try stand.number("SELECT count(*) FROM millrace.dead_letters") == 0)
        }
    }

    @Test func oneThatSomebodyHasDroppedIsMadeAgain() async throws {
        let stand = try TargetStand("partition_dropped")
        try await onThread {
            let instance = try stand.instance(plan: Self.plan, keep: 30 * Self.day)
            #expect(try instance.commit(records: Self.records(daysAgo: [0, 3, 5])) == .committed)
            let parts = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'kpi'::regclass"
            #expect(try stand.number(parts) == 3)
            try stand.execute(
                """
                DO $$ DECLARE part regclass; BEGIN
                    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'kpi'::regclass LOOP
                        EXECUTE format('DROP TABLE %s', part);
                    END LOOP;
                END $$
                """)
            #expect(try instance.commit(records: Self.records(daysAgo: [0, 3])) == .committed)
            #expect(try stand.number(parts) == 2)
            #expect(try stand.number("SELECT sum(events)::bigint FROM kpi") == 2)
            #expect(try stand.number("SELECT count(*) FROM millrace.dead_letters") == 0)
        }
    }

    /// What a transaction has made that was rolled back is not there.
    @Test func aTransactionThatFailsLeavesNoneBehind() async throws {
        let stand = try TargetStand("partition_failed")
        try await onThread {
            let instance = try stand.instance(plan: Self.plan, keep: 30 * Self.day)
            #expect(try instance.commit(records: Self.records(daysAgo: [0])) == .committed)
            try stand.execute(
                """
                CREATE SEQUENCE tries;
                CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF nextval('public.tries') <= 2 THEN RAISE EXCEPTION 'not yet' USING ERRCODE = '40001'; END IF;
                    RETURN NEW;
                END $$;
                CREATE TRIGGER fail BEFORE INSERT ON kpi FOR EACH ROW EXECUTE FUNCTION fail()
                """)
            for days in [[7], [0], [7, 8]] {
                #expect(try instance.commit(records: Self.records(daysAgo: days)) == .committed)
            }
            #expect(try stand.number("SELECT last_value FROM tries") > 2)
            #expect(try stand.number("SELECT sum(events)::bigint FROM kpi") == 5)
            #expect(try stand.number("SELECT count(*) FROM millrace.dead_letters") == 0)
        }
    }

    /// Several instances make and drop the same partitions at the same time.
    @Test func instancesAgree() async throws {
        let stand = try TargetStand("partition_instances")
        try await onThread {
            let instances = try (0..<3).map { try stand.instance(Int32($0), plan: Self.plan, keep: 3 * Self.day) }
            var sent: Int64 = 0
            for round in 0..<12 {
                for (number, instance) in instances.enumerated() {
                    let records = Self.records(daysAgo: [0, (round + number) % 3, 20])
                    #expect(try instance.commit(records: records) == .committed)
                    sent += 2
                }
                // Another instance that starts drops what is old.
                _ = try stand.instance(9, plan: Self.plan, keep: 3 * Self.day)
            }
            let kept = "SELECT sum(events)::bigint FROM kpi WHERE window_start > now() - interval '10 days'"
            #expect(try stand.number(kept) == sent)
            #expect(try stand.number("SELECT coalesce(sum(events), 0)::bigint FROM kpi") == sent)
            #expect(try stand.number("SELECT count(*) FROM millrace.dead_letters") == 0)
        }
    }
}
