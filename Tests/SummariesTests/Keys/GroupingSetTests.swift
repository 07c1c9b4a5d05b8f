import DataflowTesting
import SummariesTesting
import Testing

@testable import Dataflow
@testable import Summaries

/// Which sets are counted, which are derived, and what from.
@Suite struct GroupingSetTests {
    private static func derivation(_ sets: [[Int]]) -> SetDerivation {
        SetDerivation(sets.map { GroupingSet($0, of: SummaryRecord.keys) })
    }

    @Test func onlySetsThatNoOtherContainsAreCounted() {
        let nested = Self.derivation([[0], [0, 1, 2], [], [1, 0]])
        #expect(nested.counted == [1])
        #expect(nested.derived == [3, 0, 2])
        let crossed = Self.derivation([[0, 1], [1, 2], [2, 3], [1]])
        #expect(crossed.counted == [0, 1, 2])
        #expect(crossed.derived == [3])
        #expect(Self.derivation([[]]).counted == [0])
        #expect(Self.derivation([[0, 1, 2, 3]]).derived.isEmpty)
    }

    @Test func aSetIsDerivedFromTheOneWithTheFewestGroups() {
        let sets = Self.derivation([[0, 1, 2], [0, 1], [0, 2], [0], []])
        let counts = [900, 30, 20, 5, 0]
        #expect(sets.parent(of: 1) { counts[$0] } == 0)
        #expect(sets.parent(of: 3) { counts[$0] } == 2)
        #expect(sets.parent(of: 4) { counts[$0] } == 3)
        // Of as many groups, the first in the file; a set that does not contain it, however small, never.
        #expect(sets.parent(of: 3) { [900, 20, 20, 5, 0][$0] } == 1)
        #expect(sets.parent(of: 2) { [900, 1, 20, 1, 1][$0] } == 0)
    }

    @Test func aDerivedSetIsAnsweredForByACountedOne() {
        let sets = Self.derivation([[3], [0, 1], [1, 2, 3], [1], [], [2, 3]])
        #expect(sets.counted == [1, 2])
        #expect(sets.countedParent(of: 3) == 1)
        #expect(sets.countedParent(of: 4) == 1)
        #expect(sets.countedParent(of: 0) == 2)
        #expect(sets.countedParent(of: 5) == 2)
    }

    @Test func namesFollowTheOrderOfTheKeys() {
        #expect(GroupingSet([2, 0], of: SummaryRecord.keys).name == "country,paid")
        #expect(GroupingSet([1], of: SummaryRecord.keys).name == "level")
        #expect(GroupingSet([], of: SummaryRecord.keys).name == "()")
    }

    @Test func theShareOfDerivedGroupsIsLearned() {
        let share = DerivedShare(sets: 4)
        #expect(share.reserve(for: 1_000) == 5_000)
        share.observe(counted: 1_000, derived: 400)
        #expect(share.reserve(for: 2_000) == 1_000)
    }
}
