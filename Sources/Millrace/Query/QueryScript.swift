import Declaration

/// The queries of a topology's tables as a script for psql.
struct QueryScript {
    /// The topology's name.
    let topology: String
    /// The queries.
    let queries: [TableQuery]

    /// The definition of the table that the queries read.
    static let rawTable = """
        CREATE TABLE raw (
            topic text,             -- of messages in files: file: and the name of their node
            partition integer,
            "offset" bigint,
            "timestamp" timestamptz,
            key text,
            headers json,           -- an object of names and values
            value json              -- a document; what is no valid JSON is a dead letter, and cannot be in here
        );
        """

    /// All of it.
    var text: String {
        let head = """
            Topology \(topology): what each of its tables holds, as a query over raw messages in a table
            \(Self.rawTable)

            Not in here: documents deeper or larger than parse_json takes, and such with half of a surrogate pair, which are dead
            letters; and such with U+FDD0, which stands for U+0000 in a query. A number beyond 64 bits or a value that cannot be
            computed, which is null in a table, may stop a query, and so does an offset of 16 hours and more; it answers no other
            value.
            """
        return Self.comment(head) + "\n-- Times are computed in UTC.\nSET timezone TO 'UTC';\n\n" + queriesAlone
    }

    /// The queries, each with what it cannot say.
    var queriesAlone: String {
        queries.map { query in
            let head = ["Table \(query.table)"] + query.gaps.map { "NOT THE SAME: \($0)" }
            return Self.comment(head.joined(separator: "\n")) + "\n" + query.text + ";\n"
        }.joined(separator: "\n")
    }

    private static func comment(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "--" : "-- \($0)" }.joined(separator: "\n")
    }
}
