import Declaration
import Testing

@testable import Millrace

/// Mistakes in what `parse_json` reads: each is one diagnostic, at its place, with the cause and the way out.
@Suite struct ParseDiagnosticsTests {
    /// A file source, a parser and something behind it; the parser's declaration begins at column 33 of line 4.
    private static func lines(_ declaration: String, source: String = "file: a.ndjson") -> [String] {
        let text = """
            topology: t
            nodes:
              events: { \(source) }
              records: { from: events, parse_json: \(declaration) }
              kpi: { from: records, summarize: { by: [k], metrics: { n: count() } } }
              show: { from: kpi, console: {} }

            """
        return TopologyLoader(environment: [:]).load(text: text, from: "t.yaml").diagnostics.all.map(\.description)
    }

    /// The diagnostic that `declaration` gets, with `^` in it taken out: that is where the diagnostic points.
    private func check(
        _ marked: String, _ expected: String, source: String = "file: a.ndjson",
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) throws {
        let parts = marked.split(separator: "⌖", omittingEmptySubsequences: false)
        try #require(parts.count == 2, "the place is marked")
        let column = "  records: { from: events, parse_json: ".count + parts[0].count + 1
        let found = Self.lines(parts.joined(), source: source)
        #expect(found == ["t.yaml:4:\(column): error\(expected)"], "\(found)", sourceLocation: sourceLocation)
    }

    private static let kafka = "kafka: { brokers: a, topics: [t] }"

    // MARK: Formats

    @Test func aLetterThatIsNone() throws {
        try check(
            "{ fields: { k: text, t: { type: timestamp, format: \"%Y-%m-⌖%q %H\" } } }",
            "[timestamp-format]: the format of t holds %q, which is no letter of a format; letters: Y y m b B h d e j a A H I p M S f z s F T R D n t"
        )
    }

    @Test func theNameOfAZone() throws {
        try check(
            "{ fields: { k: text, t: { type: timestamp, format: '%F %T ⌖%Z' } } }",
            "[timestamp-format]: the format of t holds %Z, which is no letter of a format; names of zones such as CET have no one meaning: %z stands for an offset, zone: gives a zone"
        )
    }

    @Test func aFormatOfAnotherLanguage() throws {
        try check(
            "{ fields: { k: text, t: { type: timestamp, format: \"⌖yyyy-MM-dd HH:mm:ss\", zone: UTC } } }",
            "[timestamp-format]: the format of t holds no letter with a percent sign; write %Y-%m-%d %H:%M:%S")
    }

    @Test func theMinuteForTheMonth() throws {
        try check(
            "{ fields: { k: text, t: { type: timestamp, format: \"%Y-⌖%M-%d\", zone: UTC } } }",
            "[timestamp-format]: the format of t lacks the month; %M is the minute; the month is %m")
    }

    @Test func aFormatWithoutADay() throws {
        try check(
            "{ fields: { k: text, t: { type: timestamp, format: \"⌖%H:%M\", zone: UTC } } }",
            "[timestamp-format]: the format of t lacks the year; %Y stands for one of four digits")
    }

    // MARK: Zones

    @Test func aTimeWithoutAZone() throws {
        try check(
            "{ fields: { k: text, t: { type: timestamp, format: \"⌖%Y-%m-%d %H:%M:%S\" } } }",
            "[timestamp-zone]: the format of t has no offset from UTC, and no zone says where its clock stood; add zone: UTC, zone: Europe/Berlin, or zone: and a field that names it; or %z to the format"
        )
    }

    @Test func aZoneThatIsNeverNeeded() throws {
        try check(
            "{ fields: { k: text, t: { type: timestamp, format: \"%F %T %z\", zone: ⌖UTC } } }",
            "[timestamp-zone]: the zone of t is never needed, since its format reads the offset; remove it")
    }

    @Test func aZoneThatIsMisspelled() throws {
        try check(
            "{ fields: { k: text, t: { type: timestamp, zone: ⌖Europe/Berln } } }",
            "[timestamp-zone]: the zone of t is unknown, found \"Europe/Berln\", expected the name of a time zone, an offset such as +02:00, or a field; did you mean 'Europe/Berlin'?"
        )
    }

    @Test func aZoneFieldThatIsMisspelled() throws {
        try check(
            "{ fields: { k: text, time_zone: text, t: { type: timestamp, zone: ⌖timezone } } }",
            "[timestamp-zone]: the zone of t is unknown, found \"timezone\", expected the name of a time zone, an offset such as +02:00, or a field; did you mean 'time_zone'?"
        )
    }

    @Test func aZoneFieldOfNoUse() throws {
        try check(
            "{ fields: { k: text, b: boolean, t: { type: timestamp, zone: ⌖b } } }",
            "[timestamp-zone]: the zone of t is the field b, which is boolean, expected text or a number of hours")
    }

    // MARK: Options that do not belong to the type

    @Test func aFormatForANumber() throws {
        try check(
            "{ fields: { k: text, t: { type: integer, format: \"⌖%s\" } } }",
            "[field-option]: format is for timestamps that are text, and t is none; declare type: timestamp")
        try check(
            "{ fields: { k: text, t: { type: timestamp(ms), zone: ⌖UTC } } }",
            "[field-option]: zone is for timestamps that are text, and t is none; numbers since 1970 are UTC; for text declare timestamp"
        )
    }

    @Test func aNumberThatIsToBeCut() throws {
        try check(
            "{ fields: { k: text, n: { type: integer, on_too_long: ⌖truncate } } }",
            "[field-option]: on_too_long is for fields of text, and n is none; remove it")
    }

    @Test func wordsThatAreNone() throws {
        try check(
            "{ fields: { k: { type: text, on_too_long: ⌖truncat } } }",
            "[unknown-choice]: 'on_too_long' is not one of its words, found 'truncat', expected dead_letter | truncate; did you mean 'truncate'?"
        )
        try check(
            "{ accept: ⌖texts, fields: { k: text } }",
            "[unknown-choice]: 'accept' is not one of its words, found 'texts', expected json | text; did you mean 'text'?"
        )
    }

    // MARK: Values of the message

    @Test func whatFilesDoNotHave() throws {
        for value in ["timestamp", "key", "header.a", "topic", "partition"] {
            let type = value == "timestamp" ? "timestamp" : value == "partition" ? "integer" : "text"
            try check(
                "{ fields: { k: text, m: { from: ⌖message.\(value), type: \(type) } } }",
                "[message-value]: m comes from message.\(value), which messages of a file source do not have; messages of a kafka source have it"
            )
            #expect(
                Self.lines("{ fields: { k: text, m: { from: message.\(value), type: \(type) } } }", source: Self.kafka)
                    == []
            )
        }
        #expect(Self.lines("{ fields: { k: text, m: { from: message.offset, type: integer } } }") == [])
    }

    @Test func whatNoMessageHas() throws {
        let expected =
            "expected message.timestamp, message.key, message.header.NAME, message.topic, message.partition or message.offset"
        for (text, hint) in [
            ("message.kye", "; did you mean 'message.key'?"),
            ("message.headers.a", "; write message.header. and the header's name"),
            ("timestamp", "; did you mean 'message.timestamp'?"),
            ("message.value.x", "; a field of the document has a path: instead of from:"), ("weather_report_42", ""),
        ] {
            try check(
                "{ fields: { k: text, m: { from: ⌖\(text), type: text } } }",
                "[message-value]: m comes from something that messages do not have, found \"\(text)\", \(expected)\(hint)",
                source: Self.kafka)
        }
    }

    @Test func aTypeThatCannotBe() throws {
        try check(
            "{ fields: { k: text, m: { from: message.timestamp, type: ⌖integer } } }",
            "[message-value]: m has the wrong type for message.timestamp, expected timestamp", source: Self.kafka)
        try check(
            "{ fields: { k: text, m: { from: message.offset, type: ⌖text } } }",
            "[message-value]: m has the wrong type for message.offset, expected integer", source: Self.kafka)
    }

    @Test func aPathBesideAValueOfTheMessage() throws {
        try check(
            "{ fields: { k: text, m: { from: message.key, path: ⌖a.b, type: text } } }",
            "[field-option]: m has a path, but comes from message.key, which is no document; remove one of the two",
            source: Self.kafka)
    }

    // MARK: Elements

    @Test func outsideOfNothing() throws {
        try check(
            "{ fields: { k: { path: ⌖^.device.id, type: text } } }",
            "[field-path]: the path of k begins outside of an element, found \"^.device.id\", but the records are documents; write device.id, or add each: with the path of an array"
        )
    }

    @Test func intoTheArrayFromOutside() throws {
        try check(
            "{ each: data.readings, fields: { k: { path: ⌖^.data.readings.v, type: text } } }",
            "[field-path]: the path of k leads into the array of each, found \"^.data.readings.v\", expected what stands beside it; paths begin at the element: write v"
        )
    }

    @Test func anArrayInAnotherSpelling() throws {
        try check(
            "{ each: \"⌖$.data.readings\", fields: { k: text } }",
            "[field-path]: each holds '$', which is no key, found \"$.data.readings\", expected keys joined by dots; write data.readings; a key that holds such a character stands in backquotes"
        )
        try check(
            "{ each: readings, fields: { k: { path: \"^.⌖a[0].b\", type: text } } }",
            "[field-path]: the path of k holds 'a[0]', which is no key, found \"a[0].b\", expected keys joined by dots; with each: a every element is a record, and the path is b; a key of that name stands in backquotes"
        )
    }

    @Test func documentsThatAreArrays() throws {
        try check(
            "{ each: ⌖$, fields: { k: text } }",
            "[field-path]: each is the path of an array, found \"$\", which says its elements too; write \"[]\" for documents that are arrays"
        )
        try check(
            "{ each: { path: \"⌖items[]\", optional: true }, fields: { k: text } }",
            "[field-path]: each is the path of an array, found \"items[]\", which says its elements too; write items")
        try check(
            "{ each: \"[]\", fields: { k: { path: ⌖^.id, type: text } } }",
            "[field-path]: the path of k begins outside of an element, found \"^.id\", but the document is the array, and nothing stands around it; write id"
        )
    }

    @Test func arraysInArrays() throws {
        try check(
            "{ each: \"⌖$.orders[*].items[*]\", fields: { k: text } }",
            "[field-path]: each is the path of an array, found \"$.orders[*].items[*]\", which says its elements too; write orders[].items"
        )
        try check(
            "{ each: \"⌖matrix[][]\", fields: { k: text } }",
            "[field-path]: each goes through an array whose elements are arrays, found \"matrix[][]\", expected keys joined by dots; elements of arrays are objects with the next array in them, as in orders[].items"
        )
        try check(
            "{ each: \"orders[].items\", fields: { k: { path: ⌖^^^.id, type: text } } }",
            "[field-path]: the path of k begins outside of 3 arrays, found \"^^^.id\", but each goes through 2; write ^^.id"
        )
        try check(
            "{ each: \"orders[].items\", fields: { k: { path: ⌖^.^.id, type: text } } }",
            "[field-path]: the path of k begins outside of an element, found \"^.^.id\", but goes on with another caret; carets stand together: write ^^.id"
        )
        try check(
            "{ each: \"orders[].items\", fields: { k: { path: ⌖^^.orders.id, type: text } } }",
            "[field-path]: the path of k leads into the array of each, found \"^^.orders.id\", expected what stands beside it; paths begin at the element: write ^.id"
        )
        try check(
            "{ each: \"[].items\", fields: { k: { path: ⌖^^.id, type: text } } }",
            "[field-path]: the path of k begins outside of 2 arrays, found \"^^.id\", but the document is the array, and nothing stands around it; write ^.id"
        )
        try check(
            "{ fields: { k: { path: \"⌖orders[0].items[1].id\", type: text } } }",
            "[field-path]: the path of k holds 'orders[0]', which is no key, found \"orders[0].items[1].id\", expected keys joined by dots; with each: orders[].items every element is a record, and the path is id; a key of that name stands in backquotes"
        )
        #expect(
            Self.lines(
                "{ each: \"a.b[].c[].d\", fields: { k: { path: ^^^.x.y, type: text }, l: { path: ., type: text } } }")
                == [])
    }

    @Test func whatIsRight() {
        #expect(Self.lines("{ each: \"[]\", fields: { k: text } }") == [])
        #expect(Self.lines("{ each: { path: \"[]\", optional: true }, fields: { k: text } }") == [])
        #expect(
            Self.lines(
                """
                { each: data.readings, accept: text, event_time: t, fields: { k: { path: ^.id, type: text }, \
                t: { type: timestamp, format: "%d/%b/%Y:%H:%M:%S", zone: z }, z: { path: ^.z, type: decimal(1) }, \
                u: { type: timestamp, zone: +02:00 }, o: { from: message.offset, type: integer }, \
                c: { type: text, max_bytes: 1KiB, on_too_long: truncate, accept: json } } }
                """) == [])
    }
}
