extension FunctionCatalog {
    private static let anyText = """
        takes a text where Postgres takes `json`: there it is `t::json`; what is no JSON, or nests more than \
        \(JSONTextReader.depthMax) deep, is null, and counted
        """
    private static let keyByKey = """
        \(anyText); goes key by key, as `t::json -> 'a' ->> 'b'` does: with several keys at once Postgres counts places from \
        the end in another array where arrays stand in arrays, and finds what is only in the first of two equal keys
        """

    /// JSON that stands in a text.
    static let jsonTexts: [ExpressionFunction] = [
        ExpressionFunction(
            "json_extract_path_text",
            "The value at a path in a text that holds JSON. The path is a key, or an element's place as a text, from 0 or, "
                + "from the end, from `'-1'` on, for each level. A text is given without quotes and escapes, a number as it is "
                + "written, an array or object as it is written; null is null, and so is what is not there. Of members with "
                + "the same key the last one counts.",
            [
                .init(#"json_extract_path_text('{"user":{"id":17}}', 'user', 'id')"#, "17"),
                .init(#"json_extract_path_text('{"tags":["a","b\u00f6"]}', 'tags', '-1')"#, "bö"),
                .init(#"json_extract_path_text('{"a":[1, {"b":null}]}', 'a')"#, #"[1, {"b":null}]"#),
                .init(#"json_extract_path_text('{"a":null}', 'a')"#, nil),
                .init(#"json_extract_path_text('no JSON', 'a')"#, nil),
            ],
            deviation: keyByKey,
            FunctionForm(
                parameters: [.text("t"), .text("key")], isVariadic: true, result: .text
            ) { _ in extraction }
        )
        .inSQL(.words(extractionSQL)),
        ExpressionFunction(
            "json_array_length", "How many elements the array has that a text holds as JSON.",
            [
                .init(#"json_array_length('["a", [1, 2], null]')"#, "3"), .init("json_array_length('[]')", "0"),
                .init("json_array_length('{}')", nil),
            ],
            deviation: anyText, .form([.text("t")], .integer, arrayLength)
        )
        .inSQL(.words { "json_array_length(cast(\($0[0]) AS json))" }),
    ]

    @Sendable private static func extractionSQL(_ arguments: [String]) -> String {
        let value = arguments[1..<(arguments.count - 1)].reduce("cast(\(arguments[0]) AS json)") { value, key in
            "json_extract_path(\(value), \(key))"
        }
        return "json_extract_path_text(\(value), \(arguments[arguments.count - 1]))"
    }

    /// What is no JSON is a failure; what is not there is none.
    private static let extraction = Kernel { call in
        var reader = JSONTextReader(refusesUnstorable: true)
        let arguments = call.arguments
        var absent = 0
        call.write({ row in arguments.allSatisfy { $0.isThere(row) } }) { row, out in
            reader.forgetPath()
            for key in arguments.dropFirst() { reader.append(TextView.load(key, row)) }
            let text = TextView.load(arguments[0], row)
            switch reader.find(in: text) {
            case .value(let range):
                JSONTextReader.write(text[range], &out)
                return true
            case .nothing:
                absent += 1
                return false
            case .invalid: return false
            }
        }
        call.failures -= absent
    }

    private static let arrayLength = Kernel { call in
        var reader = JSONTextReader(refusesUnstorable: false)
        let text = call.arguments[0]
        call.fill({ text.isThere($0) }) { reader.count(in: TextView.load(text, $0)) }
    }
}
