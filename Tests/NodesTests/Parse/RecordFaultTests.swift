import Dataflow
import Testing

@testable import Nodes

/// What dead letters say of their cause: code, node, field by its name in the topology, and the value.
@Suite struct RecordFaultTests {
    private static func causes(_ fields: String, _ messages: [ParseStand.Message]) throws -> [String] {
        let stand = try ParseStand(fields)
        #expect(stand.problems.isEmpty, "\(stand.problems)")
        return try stand.run(messages).faults.map {
            "\($0.code) \($0.node ?? "-") \($0.field ?? "-") \($0.found ?? "-")"
        }
    }

    private static func causes(_ fields: String, of payloads: [String]) throws -> [String] {
        try causes(fields, payloads.map { ParseStand.Message(payload: $0) })
    }

    @Test func aValueIsShownAsItStandsInTheRecord() throws {
        let found = try Self.causes(
            "{ fields: { v: { path: a.b, type: integer, required: true }, s: { type: text, max_bytes: 4 }, t: timestamp } }",
            of: [
                #"{"a":{"b":"12"}}"#, #"{"a":{"b":1.5}}"#, #"{"a":{"b":99999999999999999999}}"#, #"{"a":{"b":true}}"#,
                #"{"a":{"b":{"c":1}}}"#, #"{"a":{"b":"\"q\u00e9"}}"#, #"{"a":{}}"#, #"{"a":{"b":1},"s":"12345"}"#,
                #"{"a":{"b":1},"t":"yesterday"}"#, "{", "5",
            ])
        #expect(
            found == [
                #"wrong_type r v "12""#, "wrong_type r v 1.5", "out_of_range r v 99999999999999999999",
                "wrong_type r v true", "wrong_type r v -", #"wrong_type r v "\"q\u00e9""#, "missing_required r v -",
                "text_too_long r s -", #"invalid_timestamp r t "yesterday""#, "truncated r - -", "not_an_object r - -",
            ])
    }

    @Test func elementsAndWhatComesWithMessagesHaveCausesToo() throws {
        let elements = try Self.causes(
            "{ each: rs, fields: { v: integer } }", of: [#"{"rs":[{"v":1},{"v":"x"},{"v":[]}]}"#, #"{"rs":1}"#])
        #expect(elements == [#"wrong_type r v "x""#, "wrong_type r v -", "no_elements r rs -"])
        let messages = try Self.causes(
            "{ fields: { k: { from: message.key, type: integer }, t: { type: timestamp, format: \"%Y-%m-%d\", zone: UTC } } }",
            [
                ParseStand.Message(payload: "{}", texts: ["seven"]),
                ParseStand.Message(payload: #"{"t":"MMXX"}"#, texts: ["7"]),
            ])
        #expect(messages == ["wrong_type r k seven", #"invalid_timestamp r t "MMXX""#])
    }

    /// Whoever's timestamps are not those of RFC 3339 reads in the first letter how to declare them.
    @Test func whatATimestampSeemsToBeIsSaid() throws {
        let values = [
            #""2026-02-30T10:00:00Z""#, #""2026-02-03 10:00:00.5""#, #""2026-02-03""#, #""2026-13-03""#,
            #""1700000000""#,
            "1700000000", "1700000000123", "1700000000123456", "1700000000123456789",
            #""1700000000123456789""#, "17", #""03/02/2026""#, "true", #""""#,
        ]
        let stand = try ParseStand("{ fields: { t: timestamp } }")
        let found = try stand.run(values.map { #"{"t":\#($0)}"# }).letters.map { letter in
            letter.reason.split(separator: "; ").dropFirst().joined(separator: "; ")
        }
        #expect(
            found == [
                "February 2026 has no day 30", "it has no offset from UTC, say with zone: where its clock stood",
                "it has no offset from UTC, say with format: \"%Y-%m-%d\" and zone: where its clock stood", "",
                "if it counts seconds, declare timestamp(s) with accept: text",
                "if it counts seconds, declare timestamp(s)",
                "if it counts milliseconds, declare timestamp(ms)", "if it counts microseconds, declare timestamp(us)",
                "if it counts nanoseconds, declare timestamp(ns)",
                "if it counts nanoseconds, declare timestamp(ns) with accept: text", "", "", "", "",
            ])
        // What it says to declare is read.
        for (declaration, value) in [
            ("type: timestamp, zone: UTC", values[1]),
            ("type: timestamp, format: \"%Y-%m-%d\", zone: UTC", values[2]),
            ("type: timestamp(s), accept: text", values[4]), ("type: timestamp(us)", values[7]),
            ("type: timestamp(ns)", values[8]), ("type: timestamp(ns), accept: text", values[9]),
        ] {
            let letters = try ParseStand("{ fields: { t: { \(declaration) } } }").run([#"{"t":\#(value)}"#]).letters
            #expect(letters.isEmpty, "\(declaration): \(letters)")
        }
    }

    /// What is often met is recognised, and the format that is said for it reads it.
    @Test(arguments: [
        ("2026-02-03T10:00:00+0100", "%Y-%m-%dT%H:%M:%S%z"), ("2026-02-03T10:00:00.25-0330", "%Y-%m-%dT%H:%M:%S.%f%z"),
        ("2026-02-03 10:00:00+0100", "%Y-%m-%d %H:%M:%S%z"), ("2026-02-03 10:00:00.1+0000", "%Y-%m-%d %H:%M:%S.%f%z"),
        ("2026-02-03 10:00:00 +0100", "%Y-%m-%d %H:%M:%S %z"), ("03/Feb/2026:10:00:00 +0100", "%d/%b/%Y:%H:%M:%S %z"),
        ("Tue, 03 Feb 2026 10:00:00 +0100", "%a, %d %b %Y %H:%M:%S %z"),
    ]) func aFormatThatReadsItIsSaid(value: String, format: String) throws {
        let document = #"{"t":"\#(value)"}"#
        let reason = try ParseStand("{ fields: { t: timestamp } }").run([document]).letters.first?.reason
        #expect(reason?.hasSuffix("; it is one by format: \"\(format)\"") == true, "\(reason ?? "no letter")")
        let declared = try ParseStand("{ fields: { t: { type: timestamp, format: \"\(format)\" } } }")
        #expect(try declared.run([document]).letters.isEmpty)
    }

    /// A count of another unit is out of range, or a text.
    @Test func anotherUnitIsSaid() throws {
        func reasons(_ type: String, _ values: [String]) throws -> [String] {
            try ParseStand("{ fields: { t: \(type) } }").run(values.map { #"{"t":\#($0)}"# }).letters.map(\.reason)
        }
        #expect(
            try reasons("timestamp(us)", ["1700000000123456789", "1e30", #""1700000000""#, #""noon""#]) == [
                "t at byte 5: out of range, expected microseconds since 1970 in the years 0001 to 9999; if it counts nanoseconds, "
                    + "declare timestamp(ns)",
                "t at byte 5: out of range, expected microseconds since 1970 in the years 0001 to 9999",
                "t at byte 5: wrong type, found text, expected microseconds since 1970 in the years 0001 to 9999; if it counts "
                    + "seconds, declare timestamp(s) with accept: text",
                "t at byte 5: wrong type, found text, expected microseconds since 1970 in the years 0001 to 9999",
            ])
    }

    /// A path that leads through something else than an object finds nothing, and the letter says what stands there.
    @Test func whatStandsOnTheWayToAFieldIsSaid() throws {
        func reasons(_ declaration: String, _ payloads: [String]) throws -> [String] {
            try ParseStand(declaration).run(payloads).letters.map(\.reason)
        }
        let way = "{ fields: { p: { path: order.items.price, type: double, required: true } } }"
        let found = try reasons(
            way,
            [
                #"{"order":{"items":[{"price":1}]}}"#, #"{"order":[{"items":{"price":1}}]}"#,
                #"{"order":{"items":"[]"}}"#,
                #"{"order":{"items":null}}"#, #"{"order":{"items":{}}}"#, #"{"order":{"items":[1],"items":{}}}"#, "{}",
            ])
        let plain = "order.items.price: missing or null, but required"
        #expect(
            found == [
                "order.items.price: missing, for order.items is an array, with each: order.items every element is a record, "
                    + "and the path is price",
                "order.items.price: missing, for order is an array, with each: order every element is a record, and the path "
                    + "is items.price",
                "order.items.price: missing, for order.items is text, expected an object: where that is JSON in a text, "
                    + "declare it as text, with max_bytes, and derive json_extract_path_text(items, 'price')", plain,
                plain, plain, plain,
            ])
        // With elements: in the element, and outside of it.
        let inner = try reasons(
            "{ each: rs, fields: { v: { path: a.b, type: integer, required: true } } }", [#"{"rs":[{"a":[{"b":1}]}]}"#])
        #expect(
            inner == [
                "rs[0]: a.b: missing, for a is an array, with each: rs[].a every element of it is a record, and the path is b"
            ])
        let outer = try reasons(
            "{ each: rs, fields: { v: { path: ^.a.b, type: integer, required: true } } }", [#"{"rs":[{}],"a":7}"#])
        #expect(outer == ["^.a.b: missing, for ^.a is a number, expected an object"])
        let array = try reasons("{ each: a.rs, fields: { v: integer } }", [#"{"a":[{"rs":[]}]}"#, #"{"a":{}}"#])
        #expect(
            array == [
                "a.rs: missing, for a is an array, and each: a[].rs goes through its elements",
                "a.rs: missing or null, expected the array whose elements are the records",
            ])
    }

    @Test func whatStandsInElementsThatHoldOthersIsSaid() throws {
        let found = try ParseStand(
            "{ each: \"a[].b.c\", fields: { v: integer, w: { path: \"^.d.w\", type: integer, required: true }, "
                + "x: { path: \"^^.e.x\", type: integer, required: true } } }"
        ).run([
            #"{"e":{"x":1},"a":[{"d":{"w":1},"b":[{"c":[]}]},{"d":[{"w":2}],"b":{"c":[]}},{"b":{"c":[{"v":3}]}},"#
                + #"{"d":{"w":"y"},"b":{"c":[{"v":4}]}},{"d":{"w":5},"b":{}},{"d":{"w":6},"b":{"c":[{"v":6},{"v":"z"}]}}]}"#,
            #"{"e":[1],"a":[]}"#, #"{"e":{"x":2},"a":{"b":7}}"#,
        ])
        #expect(
            found.letters.map(\.reason) == [
                "a[0]: b.c: missing, for b is an array, and each: a[].b[].c goes through its elements",
                "a[1]: ^.d.w: missing, for ^.d is an array, and paths go through no arrays but those of each: a[].b.c",
                "a[2]: ^.d.w: missing or null, but required",
                "a[3]: ^.d.w at byte 10: wrong type, found text, expected an integer of 64 bits",
                "a[4]: b.c: missing or null, expected the array whose elements are the records",
                "a[5].b.c[1]: v at byte 5: wrong type, found text, expected an integer of 64 bits",
                "^^.e.x: missing, for ^^.e is an array, and paths go through no arrays but those of each: a[].b.c",
                "a: found an object, expected the array whose elements are the records",
            ])
        #expect(found.rows == [["6", "6", "1"]])
        #expect(found.letters[3].payload == #"{"d":{"w":"y"},"b":{"c":[{"v":4}]}}"#)
        #expect(found.faults.map(\.field) == ["a[].b.c", "w", "w", "w", "a[].b.c", "v", "x", "a[].b.c"])
    }

    /// A path in a letter is one that can be declared.
    @Test func keysThatNeedBackquotesHaveThem() throws {
        let found = try ParseStand(
            "{ each: \"`a.b`.`0`\", fields: { v: { path: \"meta.`order.id`\", type: integer, required: true } } }"
        ).run([#"{"a.b":{"0":[{"meta":{"order.id":"x"}},{}]}}"#, "{}"]).letters.map(\.reason)
        #expect(
            found == [
                "`a.b`.`0`[0]: meta.`order.id` at byte 20: wrong type, found text, expected an integer of 64 bits",
                "`a.b`.`0`[1]: meta.`order.id`: missing or null, but required",
                "`a.b`.`0`: missing or null, expected the array whose elements are the records",
            ])
    }

    /// Elements without keys, and documents that are texts.
    @Test func whatHasNoMembersIsSaid() throws {
        let elements = try ParseStand("{ each: r, fields: { v: integer } }").run([#"{"r":["a",7,[1]]}"#]).letters.map(
            \.reason)
        #expect(
            elements == [
                "r[0]: found text, expected an object: fields are members of the elements, and a plain value has none"
                    + "; a field that is the element itself has path: \".\"",
                "r[1]: found a number, expected an object: fields are members of the elements, and a plain value has none"
                    + "; a field that is the element itself has path: \".\"",
                "r[2]: found an array, expected an object",
            ])
        let document = try ParseStand("{ fields: { v: integer } }").run([#""{\"v\":1}""#]).letters.map(\.reason)
        #expect(
            document == [
                "found text, expected an object; a document in a text was encoded twice: its producer has to send it as it is"
            ])
    }

    @Test func longValuesAreCutBehindAWholeCharacter() throws {
        let long = String(repeating: "é", count: 80)
        let found = try ParseStand("{ fields: { v: integer } }").run([#"{"v":"\#(long)"}"#]).faults
        // The quote and 49 letters of two bytes: a fiftieth would be cut in two.
        #expect(found.map(\.found) == ["\"" + String(repeating: "é", count: 49) + "…"])
    }
}
