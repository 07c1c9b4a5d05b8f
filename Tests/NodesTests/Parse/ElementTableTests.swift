import Dataflow
import Declaration
import Testing

@testable import Nodes

/// `each`: rows that are elements, their places and their dead letters.
@Suite struct ElementTableTests {
    private static let declaration =
        "{ each: readings, fields: { d: { path: ^.device.id, type: text }, v: integer, o: { from: message.offset, type: integer } } }"

    @Test func rowsOfAMessageAreConsecutive() throws {
        let stand = try ParseStand(Self.declaration)
        #expect(stand.problems.isEmpty, "\(stand.problems)")
        let found = try stand.run([
            #"{"device":{"id":"a"},"readings":[{"v":1},{"v":2}]}"#, #"{"readings":[]}"#, #"{"readings":[{"v":3}]}"#,
        ])
        #expect(found.rows == [["a", "1", "100"], ["a", "2", "100"], [nil, "3", "102"]])
        #expect(found.runs == [0..<2, 2..<2, 2..<3] && found.letters.isEmpty)
    }

    @Test func moreRowsThanThereIsRoomForAtFirst() throws {
        let stand = try ParseStand("{ each: r, fields: { v: integer, t: { path: ^.t, type: text } } }")
        let documents = (0..<40).map { number in
            let elements = (0..<number * 13 % 300).map { "{\"v\":\($0)}" }.joined(separator: ",")
            return "{\"t\":\"\\u0061\(number)\",\"r\":[\(elements)]}"
        }
        let found = try stand.run(documents)
        let expected = (0..<40).flatMap { number in (0..<number * 13 % 300).map { ["\($0)", "a\(number)"] } }
        #expect(found.rows == expected && found.letters.isEmpty)
        #expect(found.runs.last == expected.count - 39 * 13 % 300..<expected.count)
    }

    @Test func anArrayMayBeOptional() throws {
        let stand = try ParseStand("{ each: { path: a.r, optional: true }, fields: { v: integer } }")
        #expect(stand.problems.isEmpty, "\(stand.problems)")
        let documents = [
            #"{"a":{"r":[{"v":1}]}}"#, #"{"a":{"r":null}}"#, "{}", #"{"a":{"r":7}}"#, #"{"a":{"r":[{"v":2}]}}"#,
        ]
        let found = try stand.run(documents)
        #expect(found.rows == [["1"], ["2"]] && found.runs == [0..<1, 1..<1, 1..<1, 1..<2, 2..<3])
        #expect(
            found.letters.map(\.reason) == ["a.r: found a number, expected the array whose elements are the records"])
        let strict = try ParseStand("{ each: { path: a.r }, fields: { v: integer } }").run(documents)
        #expect(strict.letters.count == 3 && strict.rows == found.rows)
        #expect(stand.plan.explanation.contains("makes a record of each element of a.r, if it is there"))
    }

    @Test func documentsMayBeArrays() throws {
        let stand = try ParseStand(
            "{ each: \"[]\", fields: { v: integer, o: { from: message.offset, type: integer } } }")
        #expect(stand.problems.isEmpty, "\(stand.problems)")
        let lines = #"[{"v":1},{"v":2}]"# + "\n" + #"[{"v":3},{"v":"x"}]"# + "\n" + #"{"v":4}"#
        let found = try stand.run([lines], framing: .chunk)
        #expect(found.rows == [["1", "100"], ["2", "100"], ["3", "118"]])
        #expect(
            found.letters.map(\.reason) == [
                "[1]: v at byte 5: wrong type, found text, expected an integer of 64 bits",
                "found an object, expected an array, whose elements are the records",
            ])
        #expect(found.faults.map(\.field) == ["v", "[]"])
        let plain = try ParseStand("{ fields: { v: integer } }").run(["[]"])
        #expect(
            plain.letters.map(\.reason)
                == ["found an array, expected an object; with each: \"[]\" every element of it is a record"])
        let elsewhere = try ParseStand("{ each: r, fields: { v: integer } }").run(["[]"])
        #expect(elsewhere.letters.map(\.reason) == ["found an array, expected an object"])
    }

    /// `each: a[].b`: elements of arrays in elements of arrays, as those of an exporter of OpenTelemetry.
    @Test func arraysMayHoldOneAnother() throws {
        let stand = try ParseStand(
            "{ each: \"resourceLogs[].scopeLogs[].logRecords\", event_time: t, fields: { "
                + "t: { path: timeUnixNano, type: timestamp(ns), accept: text }, level: { path: severityText, type: text }, "
                + "scope: { path: ^.scope.name, type: text }, "
                + "service: { path: \"^^.resource.attributes[key=service.name].value.stringValue\", type: text }, "
                + "tenant: { path: ^^^.tenant, type: text }, o: { from: message.offset, type: integer } } }")
        #expect(stand.problems.isEmpty, "\(stand.problems)")
        func log(_ second: Int, _ level: String) -> String {
            #"{"timeUnixNano":"\#(1_700_000_000 + second)000000000","severityText":"\#(level)"}"#
        }
        let service = #"{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}}]}"#
        let found = try stand.run([
            #"{"resourceLogs":[{"resource":\#(service),"scopeLogs":[{"scope":{"name":"a"},"logRecords":[\#(log(0, "INFO")),"#
                + #"\#(log(1, "WARN"))]},{"logRecords":[\#(log(2, "INFO"))],"scope":{"name":"b"}}]},"#
                + #"{"scopeLogs":[]},{"scopeLogs":[{"logRecords":[{"severityText":"NONE"},\#(log(3, "INFO"))]}]}],"tenant":"x"}"#,
            #"{"resourceLogs":[]}"#,
        ])
        let base: Int64 = 1_700_000_000_000_000
        #expect(
            found.rows == [
                ["\(base)", "INFO", "a", "cart", "x", "100"], ["\(base + 1_000_000)", "WARN", "a", "cart", "x", "100"],
                ["\(base + 2_000_000)", "INFO", "b", "cart", "x", "100"],
                ["\(base + 3_000_000)", "INFO", nil, nil, "x", "100"],
            ])
        #expect(
            found.letters.map(\.reason)
                == ["resourceLogs[2].scopeLogs[0].logRecords[0]: timeUnixNano: missing or null, but required"])
        #expect(
            stand.plan.explanation.contains("makes a record of each element of resourceLogs[].scopeLogs[].logRecords"))
    }

    /// `path: "."`: the element is the value.
    @Test func elementsMayBePlainValues() throws {
        let stand = try ParseStand(
            "{ each: tags, fields: { tag: { path: \".\", type: text, max_bytes: 4B }, u: { path: ^.u, type: text }, "
                + "o: { from: message.offset, type: integer } } }")
        #expect(stand.problems.isEmpty, "\(stand.problems)")
        let found = try stand.run([
            #"{"tags":["a", "\u00f6" ,null],"u":"x"}"#, #"{"tags":[]}"#,
            #"{"u":"y","tags":[1,"long t",{"v":1},["b"],"c"]}"#,
        ])
        #expect(
            found.rows == [["a", "x", "100"], ["ö", "x", "100"], [nil, "x", "100"], ["c", "y", "102"]])
        #expect(found.runs == [0..<3, 3..<3, 3..<8])
        #expect(
            found.letters.map(\.reason) == [
                "tags[0]: the element: wrong type, found a number, expected text",
                "tags[1]: the element: text too long, expected at most 4 bytes",
                "tags[2]: the element: wrong type, found an object, expected text; fields of elements that are objects have the paths "
                    + "of their members, and none is \".\"",
                "tags[3]: the element: wrong type, found an array, expected text",
            ])
        #expect(found.letters.map(\.payload) == ["1", "\"long t\"", #"{"v":1}"#, #"["b"]"#])
        #expect(found.faults.map(\.field) == ["tag", "tag", "tag", "tag"])
        #expect(found.faults.map(\.found) == ["1", nil, nil, nil])
    }

    @Test func plainElementsHaveEveryTypeAndOption() throws {
        let strict = try ParseStand(
            "{ each: \"[]\", fields: { n: { path: \".\", type: decimal(1), required: true } } }")
        let found = try strict.run([#"[1,2.25, -3 ,null,"4","x"]"#, "7", #"{"a":1}"#, "[]", "[1,]", "[[1]]"])
        #expect(found.rows == [["10"], ["23"], ["-30"]])
        #expect(
            found.letters.map(\.reason) == [
                "[3]: the element: null, but required",
                "[4]: the element: wrong type, found text, expected a number that fits 64 bits with 1 decimal digits",
                "[5]: the element: wrong type, found text, expected a number that fits 64 bits with 1 decimal digits",
                "found a number, expected an array, whose elements are the records",
                "found an object, expected an array, whose elements are the records",
                "not valid JSON at byte 3: unexpected character",
                "[0]: the element: wrong type, found an array, expected a number that fits 64 bits with 1 decimal digits",
            ])
        let lenient = try ParseStand(
            "{ each: s, accept: text, fields: { n: { path: \".\", type: integer, on_type_error: \"null\" }, t: { path: \".\", "
                + "type: text } } }")
        #expect(lenient.problems.isEmpty, "\(lenient.problems)")
        let both = try lenient.run([#"{"s":[1," +2","x",true,1.5]}"#])
        #expect(both.rows == [["1", "1"], ["2", " +2"], [nil, "x"], [nil, "true"], [nil, "1.5"]])
        let times = try ParseStand(
            "{ each: s, event_time: t, fields: { t: { path: \".\", type: timestamp, format: \"%d.%m.%Y\", zone: UTC } } }"
        )
        #expect(times.problems.isEmpty, "\(times.problems)")
        let moments = try times.run([#"{"s":["02.01.1970","x",null]}"#])
        #expect(moments.rows == [["86400000000"]])
        #expect(
            moments.letters.map(\.reason) == [
                "s[1]: the element: found text that does not fit the format \"%d.%m.%Y\", from its byte 0 on",
                "s[2]: the element: null, but required",
            ])
    }

    /// Keys and values in an array, in a document, in an element and outside of it.
    @Test func keysAndValuesAreChosen() throws {
        let stand = try ParseStand(
            "{ each: spans, fields: { m: { path: \"attributes[key=http.method].value.stringValue\", type: text }, "
                + "s: { path: \"attributes[key=http.status].value.intValue\", type: integer, accept: text }, "
                + "host: { path: \"^.resource.attributes[key=host.name].value.stringValue\", type: text, required: true } } }"
        )
        #expect(stand.problems.isEmpty, "\(stand.problems)")
        let method = #"{"key":"http.method","value":{"stringValue":"GET"}}"#
        let status = #"{"key":"http.status","value":{"intValue":"200"}}"#
        let host = #"{"attributes":[{"key":"host.name","value":{"stringValue":"h1"}}]}"#
        let found = try stand.run([
            #"{"resource":\#(host),"spans":[{"attributes":[\#(method),\#(status)]},{"attributes":[\#(status)]},{}]}"#,
            #"{"spans":[{"attributes":[\#(method)]}],"resource":{"attributes":[]}}"#,
        ])
        #expect(found.rows == [["GET", "200", "h1"], [nil, "200", "h1"], [nil, nil, "h1"]])
        #expect(
            found.letters.map(\.reason) == [
                "^.resource.attributes[key=host.name].value.stringValue: missing or null, but required"
            ])
    }

    @Test func choicesThatContradictEachOtherAreSaid() throws {
        func problems(_ declaration: String) throws -> [String] {
            try ParseStand(declaration).problems.map { $0.message + "; " + ($0.hint ?? "") }
        }
        #expect(
            try problems(
                "{ fields: { a: { path: \"l[key=x].v\", type: text }, b: { path: \"l[name=x].v\", type: text }, "
                    + "c: { path: \"m[name=x].v\", type: text } } }") == [
                    "the path of b chooses elements of l by name, but that of a does by key; the elements of one array have one "
                        + "key"
                ])
        #expect(
            try problems("{ each: \"a[k=x].b\", fields: { v: text } }") == [
                "each chooses an element of an array, found \"a[k=x].b\", expected keys joined by dots; every element of it is "
                    + "gone through with [] in the place of the bracket"
            ])
    }

    /// What stands on the way to the array that a path chooses from is said with all that is left of the path.
    @Test func whatStandsInFrontOfAChoiceIsSaid() throws {
        let found = try ParseStand(
            "{ fields: { m: { path: \"p.l[key=x y].v.w\", type: text, required: true } } }"
        ).run([#"{"p":[{"l":[]}]}"#, #"{"p":"{}"}"#, #"{"p":{"l":7}}"#])
        let way = "p.l[key=`x y`].v.w: missing"
        #expect(
            found.letters.map(\.reason) == [
                "\(way), for p is an array, with each: p every element is a record, and the path is l[key=`x y`].v.w",
                "\(way), for p is text, expected an object: where that is JSON in a text, declare it as text, with max_bytes, and "
                    + "derive json_extract_path_text(p, 'l', 'v', 'w')",
                "\(way) or null, but required",
            ])
        let array = try ParseStand("{ fields: { v: { path: \"l[k=x].v\", type: text } } }").run([
            #"{"l":[{"k":"x","v":["a"]}]}"#
        ])
        #expect(array.letters.map(\.reason) == ["l[k=x].v at byte 19: wrong type, found an array, expected text"])
    }

    /// The guess that dots lead into keys and values is answered with the way that does.
    @Test func aPathIntoKeysAndValuesIsCorrected() throws {
        let found = try ParseStand("{ fields: { m: { path: attributes.http.method, type: text, required: true } } }")
            .run([
                #"{"attributes":[{"key":"http.method","value":"GET"}]}"#, #"{"attributes":[{"name":"x","price":1}]}"#,
            ])
        #expect(
            found.letters.map(\.reason) == [
                "attributes.http.method: missing, for attributes is an array, whose elements have a key: "
                    + "attributes[key=http.method] is the one with that, and its members stand behind a dot; with each: every "
                    + "element is a record",
                "attributes.http.method: missing, for attributes is an array, with each: attributes every element is a record, "
                    + "and the path is http.method",
            ])
    }

    @Test func whatAPlainElementCannotBeIsSaid() throws {
        func problems(_ declaration: String) throws -> [String] {
            try ParseStand(declaration).problems.map { $0.message + "; " + ($0.hint ?? "") }
        }
        #expect(
            try problems(
                "{ each: s, fields: { t: { path: \".\", type: text }, k: text, v: { path: a.b, type: text } } }") == [
                    "k is a member of the element, but t is the element itself, and a plain value has no members; write ^.k for "
                        + "what stands outside of the array",
                    "v is a member of the element, but t is the element itself, and a plain value has no members; write ^.a.b for "
                        + "what stands outside of the array",
                ])
        #expect(
            try problems("{ fields: { t: { path: \".\", type: text } } }") == [
                "the path of t is the element itself, found \".\", but the records are documents; add each: with the path of an "
                    + "array of plain values"
            ])
        let whole = try ParseStand("{ fields: { tags: text } }").run([#"{"tags":["a"]}"#])
        #expect(
            whole.letters.map(\.reason) == [
                "tags at byte 8: wrong type, found an array, expected text; with each: tags every element is a record, and the "
                    + "path of a plain one is \".\""
            ])
    }

    @Test func aBadElementIsADeadLetterThatSaysWhichOne() throws {
        let stand = try ParseStand(Self.declaration)
        let found = try stand.run(
            [
                #"{"readings":[{"v":1},{"v":"x"},7,{"v":2}]}"# + "\n\n" + #"{"readings":[{"v":true}]}"#,
                #"{"readings":[{"v":3},]}"#,
            ], framing: .lines)
        #expect(found.rows.map(\.[1]) == ["1", "2"])
        #expect(
            found.letters == [
                ParseStand.Letter(
                    offset: 100, line: 0,
                    reason: "readings[1]: v at byte 5: wrong type, found text, expected an integer of 64 bits",
                    payload: #"{"v":"x"}"#),
                ParseStand.Letter(
                    offset: 100, line: 0,
                    reason:
                        "readings[2]: found a number, expected an object: fields are members of the elements, and a plain value has none; a field that is the element itself has path: \".\"",
                    payload: "7"),
                ParseStand.Letter(
                    offset: 100, line: 2,
                    reason: "readings[0]: v at byte 5: wrong type, found a boolean, expected an integer of 64 bits",
                    payload: #"{"v":true}"#),
                ParseStand.Letter(
                    offset: 101, line: 0, reason: "not valid JSON at byte 21: unexpected character",
                    payload: #"{"readings":[{"v":3},]}"#),
            ])
        #expect(found.runs == [0..<5, 5..<6])
    }

    @Test func timestampsOfElementsAndOfTheDocument() throws {
        let stand = try ParseStand(
            "{ each: r, fields: { t: { type: timestamp, zone: z }, z: { path: ^.z, type: text }, "
                + "s: { path: ^.s, type: timestamp, zone: UTC } } }")
        let found = try stand.run([
            #"{"s":"1970-01-01 00:00:02","r":[{"t":"1970-01-01 01:00:00"},{"t":"soon"},{"t":"1970-01-01 02:00:00"}],"z":"+01"}"#
        ])
        #expect(found.rows == [["0", "+01", "2000000"], ["3600000000", "+01", "2000000"]])
        #expect(found.letters.map(\.reason).first?.hasPrefix("r[1]: t at byte ") == true, "\(found.letters)")
    }

    @Test func linesOfAFile() throws {
        let stand = try ParseStand(Self.declaration)
        let found = try stand.run(["{\"readings\":[{\"v\":1}]}\n{\"readings\":[{\"v\":2},1]}"], framing: .chunk)
        #expect(found.rows == [[nil, "1", "100"], [nil, "2", "123"]])
        #expect(found.letters.map(\.offset) == [123])
    }
}
