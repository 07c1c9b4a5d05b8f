import DataflowTesting
import Platform
import Testing

/// Databases that are wrong on purpose: the checks of the simulation must notice.
@Suite struct SteppingCanaryTests {
    @Test(arguments: [
        (ModelTarget.Flaw.commitsTwice, "the table"), (.losesTheTables, "the table"),
        (.losesDeadLetters, "the dead letters"), (.miscounts, "the ledger"),
        (.hangs, "the end of the log was not reached"),
        (.forgetsTheFence, "the table"),
    ])
    func aDatabaseThatErrsIsNoticed(flaw: ModelTarget.Flaw, finding: String) async throws {
        let findings = try await onThread(named: "canary") {
            var findings: [String] = []
            for seed in 1...200 as ClosedRange<UInt64> where !findings.contains(where: { $0.hasPrefix(finding) }) {
                findings += SteppingRun.run(SteppingPlan(seed: seed, flaw: flaw)).findings
            }
            return findings
        }
        #expect(findings.contains { $0.hasPrefix(finding) }, "found only \(findings.prefix(5))")
    }
}
