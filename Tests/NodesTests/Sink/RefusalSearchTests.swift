import Postgres
import Summaries
import Testing

@testable import Dataflow
@testable import Nodes

/// A trigger may raise what it likes for a row: its records are put aside, the others are committed.
@Suite struct RefusalSearchTests {
    @Test(arguments: ["ABCDE", "XX000", "42501", "P0001", "23514", "40001", "57014"])
    func aRowForWhichATriggerRaisesIsFound(sqlState: String) async throws {
        try await onThread {
            let stand = try TargetStand("raised_\(sqlState.lowercased())")
            let instance = try stand.instance()
            try stand.execute(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF NEW.country = 'XX' THEN RAISE EXCEPTION 'no' USING ERRCODE = '\(sqlState)'; END IF;
                    RETURN NEW; END $$;
                CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON kpi FOR EACH ROW EXECUTE FUNCTION refuse()
                """)
            guard case .refused(let reason) = try instance.commit(["DE", "FR", "XX", "JP"]) else {
                Issue.record("it was committed")
                return
            }
            #expect(reason.contains("1 row(s) of table") && reason.contains(sqlState), "\(reason)")
            let key = RefusedGroups.Group(windowStart: nil, key: [1, 0x58, 0x58, 0])
            #expect(instance.refused.fault(of: key)?.reason.contains(sqlState) == true)
            #expect(instance.refused.fault(of: key)?.found == sqlState)
            #expect(
                instance.refused.fault(of: RefusedGroups.Group(windowStart: nil, key: [1, 0x44, 0x45, 0])) == nil)
            #expect(try instance.commit(["DE", "FR", "JP"]) == .committed)
        }
    }

    /// What is wrong with the table is nobody's row: nothing becomes a dead letter.
    @Test func aColumnThatIsGoneStopsAndIsNamed() async throws {
        try await onThread {
            let stand = try TargetStand("column_gone")
            let instance = try stand.instance()
            #expect(try instance.commit(["DE"]) == .committed)
            try stand.execute("ALTER TABLE kpi RENAME COLUMN events TO happenings")
            let error = #expect(throws: SinkError.self) { try instance.commit(["DE"]) }
            let text = error?.description ?? ""
            #expect(text.contains("42703") && text.contains("events") && text.contains("kpi"), "\(text)")
            #expect(instance.refused.isEmpty)
        }
    }

    @Test func moreGroupsThanOneSearchFindsAreRemembered() {
        let refused = RefusedGroups(groupsMax: 3)
        let groups = (0..<5 as Range<UInt8>).map { RefusedGroups.Group(windowStart: nil, key: [$0]) }
        for group in groups { refused.insert(group, RecordFault("test", "reason \(group.key)")) }
        #expect(groups.map { refused.fault(of: $0) != nil } == [false, false, true, true, true])
        #expect(refused.fault(of: groups[4])?.reason == "reason [4]")
        refused.insert(groups[4], RecordFault("test", "another"))
        #expect(refused.fault(of: groups[4])?.reason == "another")
        #expect(refused.fault(of: RefusedGroups.Group(windowStart: 4, key: [4])) == nil)
    }
}
