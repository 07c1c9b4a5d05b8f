import ArgumentParser
import Testing

@testable import Millrace

@Suite struct NegativeValuesTests {
    @Test func aNegativeNumberIsTheValueOfTheOptionBeforeIt() {
        #expect(MillraceCommand.withNegativeValues(["rollback", "t", "--to", "-1"]) == ["rollback", "t", "--to=-1"])
        #expect(MillraceCommand.withNegativeValues(["run", "--wait", "-5s", "t"]) == ["run", "--wait=-5s", "t"])
    }

    @Test(arguments: [
        ["run", "t", "-1"], ["run", "--workers=2", "-1"], ["run", "--workers", "2"], ["run", "--", "--to", "-1"],
        ["run", "--from-now", "--json"], ["-1"], [],
    ]) func allElseStaysAsItIs(_ arguments: [String]) {
        #expect(MillraceCommand.withNegativeValues(arguments) == arguments)
    }

    @Test func theMessageSpeaksOfTheValue() {
        let error = #expect(throws: (any Error).self) {
            _ = try MillraceCommand.parseAsRoot(MillraceCommand.withNegativeValues(["rollback", "t", "--to", "many"]))
        }
        #expect(error.map { MillraceCommand.message(for: $0) }?.contains("'many' is invalid") == true)
        let negative = #expect(throws: (any Error).self) {
            _ = try MillraceCommand.parseAsRoot(MillraceCommand.withNegativeValues(["generate", "--events", "-5"]))
        }
        #expect(negative.map { MillraceCommand.message(for: $0) }?.contains("'-5' is invalid") == true)
    }
}
