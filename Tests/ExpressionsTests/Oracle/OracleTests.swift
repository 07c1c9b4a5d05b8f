import Platform
import Testing

/// Every function against its namesake in Postgres, on random inputs.
///
/// What differs on purpose stands in docs/functions.md, and here as the SQL that ours is compared with. A failure names
/// its seed. `MILLRACE_ORACLE_ROWS=1000000` compares that many inputs for each case.
@Suite struct OracleTests {
    @Test func textsAreThoseOfPostgres() async throws {
        try await onThread(named: "oracle") { try OracleFamily.run(OracleCases.texts, seed: 1) }
    }

    @Test func choicesAreThoseOfPostgres() async throws {
        try await onThread(named: "oracle") { try OracleFamily.run(OracleCases.choices, seed: 1000) }
    }

    @Test func numbersAreThoseOfPostgres() async throws {
        try await onThread(named: "oracle") { try OracleFamily.run(OracleCases.numbers, seed: 2000) }
    }

    @Test func castsAreThoseOfPostgres() async throws {
        try await onThread(named: "oracle") { try OracleFamily.run(OracleCases.casts, seed: 3000) }
    }

    @Test func patternsAreThoseOfPostgres() async throws {
        try await onThread(named: "oracle") { try OracleFamily.run(OracleCases.patterns, seed: 4000) }
    }

    @Test func timesAreThoseOfPostgres() async throws {
        try await onThread(named: "oracle") { try OracleFamily.run(OracleCases.times, seed: 5000) }
    }

    @Test func zonesAreThoseOfPostgres() async throws {
        try await onThread(named: "oracle") { try OracleFamily.run(OracleCases.zones, seed: 6000) }
    }

    @Test func jsonTextsAreThoseOfPostgres() async throws {
        try await onThread(named: "oracle") { try OracleFamily.run(OracleCases.jsonTexts, seed: 8000) }
    }

    @Test func hashesAreThoseOfPostgres() async throws {
        try await onThread(named: "oracle") { try OracleFamily.run(OracleCases.hashes, seed: 7000) }
    }
}
