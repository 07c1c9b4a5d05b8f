import Dataflow
package import Declaration

extension Lookup: NodeType {
    /// The declaration of `lookup`.
    package static let spec = NodeSpec(
        name: "lookup", kind: .operator,
        summary:
            "Adds fields of a dimension by key, such as the advertiser of a campaign: from a Postgres table or query, a "
            + "file, or a MaxMind database. It is loaded before the first record is read and refreshed in the background.",
        fields: originFields + keyFields + refreshFields + validityFields,
        example: """
            named:
              from: records
              lookup:
                table: campaigns
                on: campaign
                add: [advertiser, tz]
                every: 5m
                max_staleness: 1h

            regions:
              from: named
              lookup: { file: regions.csv, on: { country: code }, add: { region: text, vat: { type: decimal(1) } } }

            priced:
              from: regions
              lookup:
                query: "select sku, cents, since, until from prices"
                on: sku
                add: { cents: integer }
                as_of: event
                valid_from: since
                valid_to: until

            places:
              from: priced
              lookup:
                maxmind: GeoLite2-City.mmdb
                on: ip
                add: { city: { column: city.names.en, type: text }, country: { column: country.iso_code, type: text } }
            """)

    private static let originFields = [
        FieldSpec(
            "table", .string, "A table or view of Postgres, `table` or `schema.table`, taken as it is written.",
            example: "campaigns"),
        FieldSpec(
            "query", .string, "Instead of a table: a query, whose columns are the dimension's.",
            example: "\"select id, name from campaigns where active\""),
        FieldSpec(
            "url", .secret,
            "The database of `table` or `query`; unless given, that of the topology's `postgres` nodes.",
            example: "\"${CRM_URL}\""),
        FieldSpec(
            "file", .string,
            "A file: CSV whose first line names the columns, or a JSON object a line; plain or gzip. It may be replaced while "
                + "in use, by a rename.", example: "regions.csv"),
        FieldSpec(
            "maxmind", .string,
            "A database of networks in MaxMind's format; `on` is one text field that holds an address, and columns are "
                + "paths such as `country.iso_code`.", example: "GeoLite2-City.mmdb"),
    ]

    private static let keyFields = [
        FieldSpec(
            "on", .names(.string, bare: nil),
            "The fields that must be equal to columns of the dimension, all of them: names where both are called the same, "
                + "else a map from the field to the column. A null is equal to nothing.",
            required: true, example: "{ campaign: id }"),
        FieldSpec(
            "add",
            .names(
                .shorthandObject(
                    "type",
                    [
                        FieldSpec("type", .recordFieldType, "The field's type.", default: "text"),
                        FieldSpec(
                            "column", .string, "The column of the dimension; the field's name unless given.",
                            example: "name"),
                    ]), bare: "text"),
            "The fields that are added: names of text columns, or a map from names to types. Types are `text`, `integer`, "
                + "`decimal(n)`, `double`, `boolean` and `timestamp`.",
            required: true, example: "{ advertiser: text, budget: { column: monthly_budget, type: decimal(2) } }"),
        FieldSpec(
            "missing", .choice(["null", "drop", "dead_letter"]),
            "What becomes of a record without a row in the dimension: its new fields are null, it goes no further, or it is a "
                + "dead letter.", default: "\"null\""),
    ]

    private static let refreshFields = [
        FieldSpec(
            "every", .duration(.seconds(1)...(.seconds(7 * 86_400))),
            "How often the dimension is read again. A load that fails leaves the one before in use, and is tried again.",
            default: "5m"),
        FieldSpec(
            "notify", .string,
            "A channel of Postgres: a `NOTIFY` on it has the dimension read at once. Not through a pooler in transaction mode.",
            example: "campaigns_changed"),
        FieldSpec(
            "max_staleness", .duration(.seconds(1)...(.seconds(365 * 86_400))),
            "The oldest that the content may become when it cannot be read any more: then the topology stops rather than "
                + "store what may be wrong. Without it, it goes on with what it has.",
            example: "1h"),
    ]

    private static let validityFields = [
        FieldSpec(
            "as_of", .choice(["event"]),
            "`event`: of the rows of a key, the one is taken that held at the record's event time, so that history stays as it "
                + "was.", example: "event"),
        FieldSpec(
            "valid_from", .string, "With `as_of`: the timestamp column with the first moment at which a row holds.",
            example: "since"),
        FieldSpec(
            "valid_to", .string,
            "With `as_of`: the timestamp column with the first moment at which it does not any more; null is without end.",
            example: "until"),
    ]

    package static func compile(
        _ node: NodeDeclaration, reading input: Edge, of topology: String, _ problems: inout Diagnostics
    ) -> CompiledNode {
        let schema = input.records(for: node, parsedBy: ParseJSON.spec.name, &problems)
        var reader = LookupReader(node, schema)
        let plan = reader.read(&problems)
        return CompiledNode(
            plan.map { .stage($0) } ?? .broken, output: .records(reader.output), resources: reader.resources)
    }
}
