import Platform
import Postgres
import Testing

@testable import Dataflow
@testable import Declaration
@testable import Expressions

/// One comparison: an expression of ours over random fields, and Postgres's over the same values.
struct OracleCase: Sendable, CustomTestStringConvertible {
    /// Ours, over fields `a`, `b`, …
    var ours: String
    /// Postgres's, over parameters of the same names.
    var sql: String
    var inputs: [OracleInput]

    init(_ ours: String, sql: String? = nil, _ inputs: OracleInput...) {
        self.ours = ours
        self.sql = sql ?? ours
        self.inputs = inputs
    }

    var testDescription: String { ours }
    private static let names = ["a", "b", "c", "d", "e", "f", "g"]
    private static let chunk = 5000

    /// Compares `rows` random inputs.
    func run(rows: Int, seed: UInt64, _ connection: inout Connection) throws {
        var random = SeededRandom(seed: seed)
        let parameters = zip(Self.names, inputs).map { "\($0) \($1.sqlType)" }.joined(separator: ", ")
        try connection.execute(
            """
            CREATE OR REPLACE FUNCTION pg_temp.oracle_\(seed)(\(parameters)) RETURNS text LANGUAGE plpgsql AS $oracle$
            BEGIN RETURN (\(sql))::text; EXCEPTION WHEN others THEN RETURN null; END $oracle$
            """)
        var left = rows
        while left > 0 {
            let count = min(left, Self.chunk)
            left -= count
            let values = (0..<count).map { _ in inputs.map { $0.value(&random) } }
            let expected = try answers(values, seed, &connection)
            let found = try evaluate(values)
            for row in 0..<count where expected[row] != found[row] {
                Issue.record(
                    """
                    seed \(seed): \(ours) of \(values[row]) is \(found[row] ?? "null"), \
                    Postgres says \(expected[row] ?? "null")
                    """)
                return
            }
        }
    }

    private func answers(_ values: [[SampleValue?]], _ seed: UInt64, _ connection: inout Connection) throws -> [String?]
    {
        let names = Self.names.prefix(inputs.count)
        let arguments = zip(names, inputs).map { "\($0)::\($1.sqlType)" }.joined(separator: ", ")
        let arrays = inputs.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
        let result = try connection.query(
            "SELECT pg_temp.oracle_\(seed)(\(arguments)) FROM unnest(\(arrays)) WITH ORDINALITY "
                + "AS t(\(names.joined(separator: ", ")), n) ORDER BY n",
            inputs.indices.map { column in .array(inputs[column].array(values.map { $0[column] })) })
        var answers: [String?] = []
        for row in values.indices { answers.append(try result.text(row, 0)) }
        return answers
    }

    private func evaluate(_ values: [[SampleValue?]]) throws -> [String?] {
        let fields = zip(Self.names, inputs).map { (name: $0, type: $1.type) }
        let batch = SampleBatch(fields, rows: values)
        let start = SourceLocation(file: "t", line: 1, column: 1)
        let typed = try Expression.parse("(\(ours))::text", at: start).check(against: batch.schema)
        return batch.texts(typed.makeEvaluator())
    }
}

/// A family of comparisons: at least a hundred thousand inputs in every run.
enum OracleFamily {
    static func run(_ cases: [OracleCase], seed: UInt64) throws {
        let rows = OracleCluster.rowsPerCase ?? 100_000 / cases.count + 1
        var connection = try OracleCluster.connect()
        for (index, one) in cases.enumerated() {
            do {
                try one.run(rows: rows, seed: seed &+ UInt64(index), &connection)
            } catch {
                Issue.record("\(one.ours): \(error)")
            }
        }
    }
}
