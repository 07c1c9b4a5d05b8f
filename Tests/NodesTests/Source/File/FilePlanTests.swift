import Testing

@testable import Nodes

@Suite struct FilePlanTests {
    private static func plan(_ paths: String...) -> FilePlan {
        FilePlan(node: "lines", patterns: paths.map { FilePlan.Pattern($0, place: "t.yaml:3:20") })
    }

    @Test func copiesAreRefusedUnlessSomebodySaysOtherwise() { #expect(Self.plan("a").copies == .refuse) }

    @Test(arguments: [
        (["events.ndjson"], false), (["-"], false), (["a.ndjson", "b.ndjson"], true), (["day-*.ndjson"], true),
        (["day-?.ndjson"], true), (["day-[12].ndjson"], true),
    ])
    func severalFilesHaveNoOrderAmongEachOther(paths: [String], hasPartitions: Bool) {
        let plan = FilePlan(node: "lines", patterns: paths.map { FilePlan.Pattern($0, place: "t.yaml:3:20") })
        #expect(plan.hasPartitions == hasPartitions)
    }

    @Test func aQueryTellsItsMessagesByTheNode() {
        #expect(Self.plan("a").rawCondition == "topic = 'file:lines'")
    }
}
