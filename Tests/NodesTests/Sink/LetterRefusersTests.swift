import Testing

@testable import Nodes

/// What letters say of who refused them, when nodes have other names than at the last start.
@Suite struct LetterRefusersTests {
    private typealias Table = LetterRefusers.Table

    private func renewed(_ tables: [Table], _ refusers: String...) -> [String]? {
        LetterRefusers(of: "t", tables).renewed(refusers)
    }

    @Test func namesThatMeanWhatTheyMeantStay() {
        let tables = [
            Table(before: ["r", "a"], now: ["r", "a"], summary: "a"),
            Table(before: ["r", "b"], now: ["r", "b"], summary: "b"),
            // One that is new behind both.
            Table(now: ["r", "a", "b"], summary: "c"),
        ]
        for names in [["a"], ["b"], ["a", "b"], ["r"]] {
            #expect(LetterRefusers(of: "t", tables).renewed(names) == nil)
        }
    }

    @Test func namesThatHaveChangedPlacesDoSoInLetters() {
        let tables = [
            Table(before: ["r", "a"], now: ["r", "b"], summary: "b"),
            Table(before: ["r", "b"], now: ["r", "a"], summary: "a"),
        ]
        #expect(renewed(tables, "a") == ["b"])
        #expect(renewed(tables, "b") == ["a"])
        #expect(renewed(tables, "a", "b") == nil)
        #expect(renewed(tables, "r") == nil)
    }

    @Test func aNameThatIsGoneIsThatOfTheSummariesBehindIt() {
        let tables = [
            Table(before: ["r", "f", "a"], now: ["r", "a"], summary: "a"),
            Table(before: ["r", "f", "b"], now: ["r", "b"], summary: "b"),
            Table(before: ["r", "c"], now: ["r", "c"], summary: "c"),
        ]
        #expect(renewed(tables, "f") == ["a", "b"])
        #expect(renewed(tables, "a", "f") == ["a", "b"])
        #expect(renewed(tables, "c") == nil)
    }

    /// No node is called so, and what is not kept any longer gets nothing.
    @Test func whatLacksTheRecordIsNotKeptAnyLonger() {
        let tables = [Table(before: ["r", "a"]), Table(before: ["r", "b"], now: ["r", "a"], summary: "a")]
        #expect(renewed(tables, "a") == ["a (before)"])
        #expect(renewed(tables, "b") == ["a"])
        // In part: the one that is left lacks it.
        #expect(renewed(tables, "r") == nil)
        #expect(renewed(tables, "a", "b") == ["a"])
        #expect(renewed(tables, "a (before)") == nil)
    }

    /// Two tables with a summary each have one together now: what only one of them lacks can go to neither.
    @Test func whatCannotBeToldApartStays() {
        let tables = [
            Table(before: ["r", "a"], now: ["r", "c"], summary: "c"),
            Table(before: ["r", "b"], now: ["r", "c"], summary: "c"),
        ]
        #expect(renewed(tables, "a") == ["a (before)"])
        #expect(renewed(tables, "a", "b") == ["c"])
        #expect(renewed(tables, "r") == nil)
    }

    @Test func ofTablesThatNobodySaidAnythingOfNothingIsSaid() {
        #expect(renewed([Table(now: ["a"], summary: "a"), Table(now: ["b"], summary: "b")], "a") == nil)
    }
}
