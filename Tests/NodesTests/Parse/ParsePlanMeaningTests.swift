import Declaration
import Testing

@testable import Nodes

@Suite struct ParsePlanMeaningTests {
    private static func lines(_ declaration: String, using fields: Set<String> = [], eventTime: Bool = false) throws
        -> [String]
    {
        let stand = try ParseStand(declaration)
        try #require(stand.problems.isEmpty, "\(stand.problems)")
        var meaning = EventMeaning()
        meaning.usedFields = fields
        meaning.usesEventTime = eventTime
        stand.plan.trace(&meaning)
        return meaning.lines.map { "\($0.key): \($0.value)" }
    }

    /// Tables remember these: another spelling of the same stops every topology that is there.
    @Test func whatWasThereBeforeIsSpelledAsItWas() throws {
        let found = try Self.lines(
            """
            { event_time: ts, fields: { ts: timestamp, n: { type: integer, on_type_error: "null" }, unused: \
            { type: double, on_type_error: "null" }, t: { path: "p.`a.b`", type: text, required: true, max_bytes: 1KiB } } }
            """, using: ["n"], eventTime: true)
        #expect(
            found == [
                "event time: ts", "field ts: timestamp at ts, required, anything else is a dead letter",
                "field n: integer at n, anything else is null",
                "field t: text at p.`a.b`, at most 1024 bytes, required, anything else is a dead letter",
                "record: at most 1048576 bytes, 64 levels deep",
            ])
    }

    /// A document without the array gives no rows either way, and one that is the array has no key of that name.
    @Test func anOptionalArrayMeansTheSame() throws {
        let plain = try Self.lines("{ each: a.r, fields: { t: integer } }")
        #expect(try Self.lines("{ each: { path: a.r, optional: true }, fields: { t: integer } }") == plain)
        #expect(try Self.lines("{ each: \"[]\", fields: { t: integer } }").contains("records: the elements of []"))
        #expect(try Self.lines("{ each: \"`[]`\", fields: { t: integer } }").contains("records: the elements of `[]`"))
    }

    /// The element itself, and elements that are chosen: tables remember these too.
    @Test func shapesOfArraysAreSpelledOnce() throws {
        let plain = try Self.lines(
            "{ each: tags, fields: { t: { path: \".\", type: integer, on_type_error: \"null\" } } }", using: ["t"])
        #expect(plain.contains("field t: integer that the element is, anything else is null"))
        for text in ["attributes[key=http.method].value", "attributes[ key = 'http.method' ].value"] {
            let chosen = try Self.lines("{ fields: { t: { path: \"\(text)\", type: integer } } }")
            #expect(
                chosen.contains(
                    "field t: integer at attributes[key=`http.method`].value, anything else is a dead letter"))
        }
    }

    @Test func everythingNewDecides() throws {
        let found = try Self.lines(
            """
            { each: a.r, accept: text, fields: { t: { type: timestamp, format: "%F %T", zone: tz }, tz: { path: ^.tz, type: text, \
            on_type_error: "null" }, u: { type: timestamp, zone: europe/berlin }, k: { from: message.key, type: text, \
            on_too_long: truncate } } }
            """, using: ["t"])
        #expect(
            found == [
                "field t: timestamp at t, written %F %T, in the zone of tz, text accepted, anything else is a dead letter",
                "field tz: text at tz outside of the element, at most 256 bytes, text accepted, anything else is null",
                "field u: timestamp at u, in zone Europe/Berlin, text accepted, anything else is a dead letter",
                "field k: text from message.key, at most 256 bytes, cut, text accepted, anything else is a dead letter",
                "records: the elements of a.r", "record: at most 1048576 bytes, 64 levels deep",
            ])
    }
}
